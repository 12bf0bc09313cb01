import { describe, expect, it } from 'vitest'
import { request } from './request.ts'
import { command } from './resources.ts'
import { openControl } from './server.ts'

const health = command('health', async () => 'OK')

describe.each(['/healthz', '/readyz'] as const)('%s', (path) => {
  const well = path === '/healthz' ? 'healthy' : 'ready'
  const unwell = path === '/healthz' ? 'unhealthy' : 'not ready'

  async function openWith(reasons: string[]) {
    const found = { findFaults: () => [], findHindrances: () => [] }
    const probes =
      path === '/healthz' ? { ...found, findFaults: () => reasons } : { ...found, findHindrances: () => reasons }
    return await openControl([health], { probes, accessKey: 'KEY;NARROW[restart]' })
  }

  it('answers 200 as long as there is nothing against it, and 503 afterwards, to GET and HEAD', async () => {
    const reasons: string[] = []
    const { port } = await openWith(reasons)
    const answer = await request(port, { path, method: 'GET' })
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { status: well }])
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' })
    reasons.push('the disk is on fire')
    expect((await request(port, { path, method: 'GET' })).status).toBe(503)
    expect(await request(port, { path, method: 'HEAD' })).toMatchObject({ status: 503, text: '' })
    expect((await request(port, { path, method: 'POST' })).status).toBe(405)
  })

  it('tells the reasons only to who has a key that may ask for health, or came by the control socket', async () => {
    const { port, socket } = await openWith(['the disk is on fire'])
    const ask = async (to: number | string, key?: string) => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
      const { status, text } = await request(to, { path, method: 'GET', headers })
      return [status, text]
    }
    const full = JSON.stringify({ status: unwell, reasons: ['the disk is on fire'] })
    expect(await ask(port)).toEqual([503, JSON.stringify({ status: unwell })])
    expect(await ask(port, 'NARROW')).toEqual([503, JSON.stringify({ status: unwell })])
    expect(await ask(port, 'KEY')).toEqual([503, full])
    expect(await ask(socket)).toEqual([503, full])
    expect((await ask(port, 'WRONG'))[0]).toBe(401)
  })

  it('answers a load balancer that names another host, or none', async () => {
    const { port } = await openWith([])
    for (const host of ['gateway.internal', '']) {
      expect((await request(port, { path, method: 'GET', headers: { host } })).status).toBe(200)
    }
    const withKey = { host: 'gateway.internal', authorization: 'Bearer KEY' }
    expect((await request(port, { path, method: 'GET', headers: withKey })).status).toBe(401)
  })
})
