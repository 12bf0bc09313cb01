import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ask, codeOf, errorOf, expectRefused, expectUndisturbed } from '../support/ask.ts'
import { burst } from '../support/burst.ts'
import { eventually } from '../support/eventually.ts'
import { startLoad } from '../support/load-generator.ts'
import { isAlive } from '../support/processes.ts'
import { versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

describe('a version that does not come up', () => {
  it('is waited for where it takes 8 s to listen, and its first request is answered 200', async () => {
    const folder = await versionFolder({ v1: 'http' })
    folder.add('v2', counted('slow-listen'), { delay: '8000' })
    const gateway = await startGateway(folder)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const answers = await burst(`${gateway.url}/first`, 10, { 'x-version': 'v2' })
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    for (const { took } of answers) expect(took).toBeGreaterThan(7_900)
    expect(bootsOf(folder, 'v2')).toHaveLength(1)
    await expectUndisturbed(others)
  })

  it('is answered 503 at the deadline where it never listens, and proxy info says what was waited for', async () => {
    const folder = await versionFolder(
      { v1: 'http', v2: counted('never-listens') },
      { gateTimeout: 2, startTimeout: 4 },
    )
    const gateway = await startGateway(folder)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const late = await ask(gateway, 'v2')
    expectRefused(late, 'VERSION_STARTING')
    expect(late.took).toBeGreaterThan(1_900)
    expect(late.took).toBeLessThan(3_500)
    expect((await versionInfo(gateway, 'v2')).state).toBe('starting')
    // The next one waits for the same start, and ends with it.
    const [pid] = bootsOf(folder, 'v2') as [number]
    const failed = await eventually('the end of the start', async () => {
      const answer = await ask(gateway, 'v2')
      return codeOf(answer) === 'VERSION_FAILED' ? answer : null
    })
    expectRefused(failed, 'VERSION_FAILED')
    expect(isAlive(pid)).toBe(false)
    expect(bootsOf(folder, 'v2')).toHaveLength(1)
    const { error, ...info } = await versionInfo(gateway, 'v2')
    expect(info).toMatchObject({ state: 'failed', workers: 0, ports: [] })
    expect(error).toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(
        /^v2: worker \d+ was not ready after 4\.\d s, waiting for it to listen on PROXY_PORT/,
      ),
      details: { pid, exitCode: null, signal: null, stderr: ['never-listens: thinking about it'] },
    })
    await expectUndisturbed(others)
  })

  it('is answered 503 at once where it crashes at boot, and is not started over and over', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('crash') })
    const gateway = await startGateway(folder)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const first = await ask(gateway, 'v2')
    expectRefused(first, 'VERSION_FAILED')
    expect(first.took).toBeLessThan(4_000)
    // Whoever insists is refused without a wait, and starts it again only when the time in Retry-After has passed.
    const began = performance.now()
    let asked = 0
    while (performance.now() - began < 3_500) {
      for (const answer of await burst(`${gateway.url}/`, 10, { 'x-version': 'v2' })) {
        expectRefused(answer, 'VERSION_FAILED')
        asked += 1
      }
      await delay(20)
    }
    expect(asked).toBeGreaterThan(50)
    expect(bootsOf(folder, 'v2').length).toBeGreaterThan(1)
    expect(bootsOf(folder, 'v2').length).toBeLessThanOrEqual(4)
    const error = await errorOf(gateway, 'v2')
    expect(error).toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(/^v2: worker \d+ exited with code 7 after/),
      details: { exitCode: 7, signal: null, stderr: ['crash: cannot find the database'] },
    })
    const told = await gateway.cservice('proxy', 'info')
    expect(told.stdout).toContain('exited with code 7')
    await expectUndisturbed(others)
  })

  it('is left alone where it comes up and dies again and again', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('dies-soon') })
    const gateway = await startGateway(folder)
    const others = startLoad({ url: gateway.url, connections: 5 })
    expect((await ask(gateway, 'v2')).status).toBe(200)
    const crashed = await eventually(
      'a verdict',
      async () => {
        const info = await versionInfo(gateway, 'v2')
        return info.error?.code === 'CRASH_LOOP' ? info : null
      },
      20_000,
    )
    expect(crashed.state).toBe('failed')
    expect(crashed.error?.message).toMatch(/exited with code 3 .*again and again/)
    const boots = bootsOf(folder, 'v2').length
    expect(boots).toBeLessThanOrEqual(6)
    await delay(1_500)
    expect(bootsOf(folder, 'v2')).toHaveLength(boots)
    await expectUndisturbed(others)
  })

  it('is told to listen where it was told to, if it listens on another port', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('wrong-port') }, { startTimeout: 2 })
    const gateway = await startGateway(folder)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const answer = await ask(gateway, 'v2')
    expectRefused(answer, 'VERSION_FAILED')
    expect(answer.took).toBeLessThan(5_000)
    expect((await errorOf(gateway, 'v2'))?.message).toMatch(
      /^v2: worker \d+ was not ready after 2\.\d s, waiting for it to listen on PROXY_PORT \d+; it listens on port \d+ instead$/,
    )
    await expectUndisturbed(others)
  })

  it('is no version to run where its worker file is not executable, and the hint says what to type', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerFilename: 'worker' })
    const file = join(folder.path, 'v2', 'worker')
    chmodSync(file, 0o644)
    const gateway = await startGateway(folder)
    const answer = await ask(gateway, 'v2')
    expectRefused(answer, 'VERSION_FAILED')
    expect(answer.took).toBeLessThan(4_000)
    expect(await errorOf(gateway, 'v2')).toMatchObject({
      code: 'WORKER_FAILED',
      message: `v2: ${file} is not executable`,
      hint: `chmod +x ${file}`,
    })
    expect((await ask(gateway, 'v1')).status).toBe(200)
    chmodSync(file, 0o755)
    await eventually('an answer of v2', async () => (await ask(gateway, 'v2')).status === 200)
  })

  it('keeps nobody else away where it is the live one; it is served as soon as it is mended', async () => {
    const folder = await versionFolder({ v1: 'crash', v2: 'http' }, { workerCount: 2 })
    const gateway = await startGateway(folder)
    expectRefused(await ask(gateway, null), 'VERSION_FAILED')
    expect((await ask(gateway, 'v2')).status).toBe(200)
    const health = await gateway.cservice('health', '--json')
    expect(health).toMatchObject({ code: 1, json: { error: { code: 'UNHEALTHY' } } })
    expect(health.stdout).toContain('exited with code 7')
    folder.add('v1', 'http')
    await eventually('an answer of v1', async () => (await ask(gateway, null)).status === 200, 20_000)
    await eventually('health', async () => (await gateway.cservice('health')).code === 0)
    expect(await versionInfo(gateway, 'v1')).toMatchObject({ state: 'ready', workers: 2, error: null })
  })
})
