import { describe, expect, it } from 'vitest'
import { ask, codeOf, expectUndisturbed } from '../support/ask.ts'
import { eventually } from '../support/eventually.ts'
import { startLoad } from '../support/load-generator.ts'
import { isAlive } from '../support/processes.ts'
import { proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

describe('a version whose folder vanishes', () => {
  it('before it was started, is unknown from then on', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('http') })
    const gateway = await startGateway(folder)
    folder.remove('v2')
    // In the moment before the gateway has seen it, it may still try.
    const answer = await ask(gateway, 'v2')
    expect([404, 503]).toContain(answer.status)
    expect(answer.took).toBeLessThan(4_000)
    await eventually('404', async () => (await ask(gateway, 'v2')).status === 404)
    expect(codeOf(await ask(gateway, 'v2'))).toBe('UNKNOWN_VERSION')
    expect(await gateway.cservice('proxy', 'version', 'v2', '1', '--json')).toMatchObject({
      code: 1,
      json: { error: { code: 'UNKNOWN_VERSION' } },
    })
    expect((await ask(gateway, null)).status).toBe(200)
  })

  it('while it runs, finishes what it has in hand and takes nothing new', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('http') })
    const gateway = await startGateway(folder)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const stream = await gateway.fetch('/stream?chunks=20&interval=100', { version: 'v2' })
    const [pid] = bootsOf(folder, 'v2') as [number]
    folder.remove('v2')
    await eventually('404', async () => (await ask(gateway, 'v2')).status === 404)
    expect(isAlive(pid)).toBe(true)
    expect((await stream.text()).split('\n')).toHaveLength(21)
    await eventually('the end of its worker', () => !isAlive(pid))
    await expectUndisturbed(others)
  })

  it('is served from memory where it is the live one, and health and proxy info say so', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' })
    const gateway = await startGateway(folder)
    const pid = (await proxyInfo(gateway)).versionWorkers[0]?.pid as number
    const load = startLoad({ url: gateway.url, connections: 10 })
    folder.remove('v1')
    await eventually('health to tell', async () => {
      const { code, stderr } = await gateway.cservice('health')
      return code === 1 && /folder of the live version v1 is gone/.test(stderr)
    })
    expect(await versionInfo(gateway, 'v1')).toMatchObject({ state: 'ready', workers: 1 })
    expect(await gateway.command('proxy', 'promote', 'v2')).toMatchObject({ version: 'v2', previous: 'v1' })
    const { failures } = await load.stop()
    expect(failures).toEqual([])
    expect((await ask(gateway, 'v1')).status).toBe(404)
    await eventually('the end of what is no version any more', () => !isAlive(pid))
  })

  it('is answered 503 where it is the live one and its worker dies too, until the folder is back', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' })
    const gateway = await startGateway(folder)
    const pid = (await proxyInfo(gateway)).versionWorkers[0]?.pid as number
    folder.remove('v1')
    await eventually('health to tell', async () => (await gateway.cservice('health')).code === 1)
    process.kill(pid, 'SIGKILL')
    const refused = await eventually(
      'a refusal',
      async () => {
        const answer = await ask(gateway, null)
        return answer.status === 200 ? null : answer
      },
      20_000,
    )
    expect([404, 503]).toContain(refused.status)
    expect((await ask(gateway, 'v2')).status).toBe(200)
    folder.add('v1', 'http')
    await eventually('an answer of v1', async () => (await ask(gateway, null)).status === 200, 20_000)
  })
})
