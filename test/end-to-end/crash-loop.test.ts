import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { proxyInfo } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

describe('a worker that exits again and again', () => {
  it('is not started for ever: 503 with Retry-After, and health says so', async () => {
    const folder = await versionFolder({ v1: { text: exitsAgainAndAgain }, v2: 'http' })
    const gateway = await startGateway(folder)
    const health = await eventually('the verdict', async () => {
      const outcome = await gateway.cservice('health')
      return /again and again/.test(outcome.stderr) && outcome
    })
    expect(health.code).toBe(1)
    expect(health.stderr).toMatch(/exited with code 9/)
    const starts = () => readFileSync(join(folder.path, 'v1', 'starts'), 'utf8').length
    const atTheVerdict = starts()
    expect(atTheVerdict).toBeLessThanOrEqual(10)
    await delay(1_500)
    expect(starts()).toBe(atTheVerdict)
    // A client that insists gets another try, and waits longer after each.
    const refused = await eventually(
      'the second verdict',
      async () => {
        const res = await gateway.fetch('/')
        await res.arrayBuffer()
        return res.status === 503 && res
      },
      20_000,
    )
    expect(Number(refused.headers.get('retry-after'))).toBe(2)
    expect(starts() - atTheVerdict).toBeLessThanOrEqual(10)
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    expect((await gateway.cservice('health')).code).toBe(1)
    expect((await proxyInfo(gateway)).versions.find(({ name }) => name === 'v1')?.error).not.toBeNull()
  })
})

const exitsAgainAndAgain = `
require('node:fs').appendFileSync('starts', '.')
require('node:http').createServer((req, res) => res.end('well')).listen(Number(process.env.PROXY_PORT), '127.0.0.1', () => {
  setTimeout(() => process.exit(9), 20)
})
`
