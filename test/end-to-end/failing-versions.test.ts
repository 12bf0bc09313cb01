import { chmodSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BurstAnswer, burst } from '../support/burst.ts'
import { eventually } from '../support/eventually.ts'
import { freePortRange } from '../support/free-ports.ts'
import { type Load, startLoad } from '../support/load-generator.ts'
import { isAlive } from '../support/processes.ts'
import { proxyInfo, type VersionInfo, versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
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

describe('versionPorts', () => {
  it('that are used up turn away the version that finds none, with a message that says by whom', async () => {
    const versionPorts = await freePortRange(2)
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: counted('http') }, { versionPorts })
    const gateway = await startGateway(folder)
    expect((await ask(gateway, 'v2')).status).toBe(200)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const refused = await ask(gateway, 'v3')
    expectRefused(refused, 'VERSION_FAILED')
    expect(refused.took).toBeLessThan(4_000)
    const message = `No port is free in versionPorts ${versionPorts}: 2 used by workers of this gateway, 0 held by other programs`
    expect(await errorOf(gateway, 'v3')).toMatchObject({ code: 'PORTS_USED_UP', message })
    const outcome = await gateway.cservice('proxy', 'version', 'v3', '1')
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toContain(message)
    expect(outcome.stderr).toContain('Widen versionPorts')
    expect(bootsOf(folder, 'v3')).toEqual([])
    // Both ends are included: two ports, two workers.
    const { versions } = await proxyInfo(gateway)
    expect(versions.flatMap(({ ports }) => ports).toSorted()).toEqual(versionPorts.split('-').map(Number))
    expect(await gateway.command('proxy', 'version', 'v2', '0')).toMatchObject({ stopped: 1 })
    await eventually('an answer of v3', async () => (await ask(gateway, 'v3')).status === 200)
    await expectUndisturbed(others)
  })

  it('that another program holds, on whatever address, are passed over, and nothing of ours reaches it', async () => {
    const versionPorts = await freePortRange(7)
    const [min] = versionPorts.split('-').map(Number) as [number]
    const visitors: net.Socket[] = []
    for (const [index, host] of ['127.0.0.1', '0.0.0.0', '::'].entries()) {
      await holdPort(min + 2 * index, host, (socket) => visitors.push(socket))
    }
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { versionPorts, workerCount: 2 })
    const gateway = await startGateway(folder)
    const answers = [...(await burst(`${gateway.url}/`, 20)), await ask(gateway, 'v2')]
    expect(answers.map(({ status }) => status)).toEqual(Array(21).fill(200))
    const { versions } = await proxyInfo(gateway)
    const ports = versions.flatMap((version) => version.ports)
    expect(ports.toSorted()).toEqual([min + 1, min + 3, min + 5])
    expect(visitors).toEqual([])
  })
})

/** One GET on a connection of its own. @param version null: the live one */
async function ask(gateway: Gateway, version: string | null): Promise<BurstAnswer> {
  const [answer] = await burst(`${gateway.url}/`, 1, version === null ? {} : { 'x-version': version })
  return answer as BurstAnswer
}

function codeOf({ body }: BurstAnswer): unknown {
  return (JSON.parse(body) as { code?: unknown }).code
}

/** 503 with Retry-After, and nothing of the reason for whoever has no right to know it. */
function expectRefused(answer: BurstAnswer, code: string): void {
  expect(answer.status).toBe(503)
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(Object.keys(JSON.parse(answer.body)).toSorted()).toEqual(['code', 'requestId', 'status', 'title', 'type'])
  expect(codeOf(answer)).toBe(code)
}

async function errorOf(gateway: Gateway, version: string): Promise<VersionInfo['error']> {
  return (await versionInfo(gateway, version)).error
}

/** The load on another version has lost nothing meanwhile, and was answered as quickly as ever. */
async function expectUndisturbed(load: Load): Promise<void> {
  await load.more(20)
  const { answers, failures } = await load.stop()
  expect(failures).toEqual([])
  expect(new Set(answers.map(({ version }) => version))).toEqual(new Set(['v1']))
  const waits = answers.map(({ startedAt, answeredAt }) => answeredAt - startedAt).toSorted((a, b) => a - b)
  expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(200)
  expect(waits.at(-1)).toBeLessThan(2_000)
}

/** Another program on that port: it takes connections and says nothing. */
async function holdPort(port: number, host: string, onConnection: (socket: net.Socket) => void): Promise<void> {
  const server = net.createServer(onConnection)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, resolve)
  })
  onTestFinished(() => void server.close())
}
