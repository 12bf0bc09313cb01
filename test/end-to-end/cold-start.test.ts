import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type BurstAnswer, burst } from '../support/burst.ts'
import { eventually } from '../support/eventually.ts'
import { isAlive } from '../support/processes.ts'
import { proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { bindingsWith, versionFolder } from '../support/version-folder.ts'

const browser = { 'sec-fetch-mode': 'navigate', accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('200 requests at the same moment for a version that does not run', () => {
  it.each([
    ['one proxy process, one worker', 1, 1],
    ['two proxy processes, one worker', 2, 1],
  ])('start it once, and are all answered 200: %s', async (_name, proxyProcesses, workers) => {
    const folder = await versionFolder(
      { v1: 'http', v2: counted('http') },
      { nonDefaultWorkerCount: workers, bindings: await bindingsWith(proxyProcesses) },
    )
    const gateway = await startGateway(folder)
    const answers = await burst(`${gateway.url}/`, 200, { 'x-version': 'v2' })
    expect(statuses(answers)).toEqual({ 200: 200 })
    expect(new Set(answers.map(({ headers }) => headers['x-served-version']))).toEqual(new Set(['v2; by=header']))
    const boots = bootsOf(folder, 'v2')
    expect(boots).toHaveLength(workers)
    const answeredBy = new Set(answers.map(({ headers }) => Number(headers['x-worker-pid'])))
    expect(boots).toEqual(expect.arrayContaining([...answeredBy]))
    await eventually('all of them counted', async () => (await versionInfo(gateway, 'v2')).requests === 200)
    const { versionWorkers, proxyWorkers } = await proxyInfo(gateway)
    expect(proxyWorkers).toHaveLength(proxyProcesses)
    expect(
      versionWorkers
        .filter(({ version }) => version === 'v2')
        .map(({ pid }) => pid)
        .toSorted(),
    ).toEqual(boots.toSorted())
  })

  it('are answered 503 at once where more wait than may: no more than gateLimit', async () => {
    const folder = await versionFolder({ v1: 'http' }, { gateLimit: 5 })
    folder.add('v2', counted('slow-listen'), { delay: '1500' })
    const gateway = await startGateway(folder)
    const answers = await burst(`${gateway.url}/`, 20, { 'x-version': 'v2' })
    expect(statuses(answers)).toEqual({ 200: 5, 503: 15 })
    const [served, refused] = [200, 503].map((wanted) => answers.filter(({ status }) => status === wanted)) as [
      BurstAnswer[],
      BurstAnswer[],
    ]
    for (const { headers, body } of refused) {
      expect(JSON.parse(body)).toMatchObject({ code: 'GATE_FULL' })
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(Math.max(...refused.map(({ took }) => took))).toBeLessThan(Math.min(...served.map(({ took }) => took)))
    expect(bootsOf(folder, 'v2')).toHaveLength(1)
  })
})

describe('a version that nobody uses', () => {
  it('is stopped, and started again by the next request; the live one never is', async () => {
    const folder = await versionFolder({ v1: counted('http'), v2: counted('http') }, { nonDefaultWorkerIdleTime: 0.5 })
    const gateway = await startGateway(folder)
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    const [first] = bootsOf(folder, 'v2') as [number]
    await eventually('its end', () => !isAlive(first))
    expect(await versionInfo(gateway, 'v2')).toMatchObject({ state: 'cold', workers: 0, ports: [], error: null })
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    const [, second] = bootsOf(folder, 'v2') as [number, number]
    await eventually('its end again', () => !isAlive(second))
    expect(bootsOf(folder, 'v2')).toHaveLength(2)
    // v1 was left alone for all that time, and longer than v2.
    const [live] = bootsOf(folder, 'v1') as [number]
    expect(isAlive(live)).toBe(true)
    expect(await versionInfo(gateway, 'v1')).toMatchObject({ state: 'ready', workers: 1 })
    expect(bootsOf(folder, 'v1')).toHaveLength(1)
  })

  it('is not one with a long stream: that keeps its version alive, and only its end lets it go', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('http') }, { nonDefaultWorkerIdleTime: 1 })
    const gateway = await startGateway(folder)
    const res = await gateway.fetch('/stream?chunks=50&interval=100', { version: 'v2' })
    const [pid] = bootsOf(folder, 'v2') as [number]
    let lines = 0
    for await (const chunk of res.body as ReadableStream<Uint8Array>) {
      lines += Buffer.from(chunk).toString().split('\n').length - 1
      if (lines === 40) {
        // Four times as long as the idle time, and it still takes new requests.
        expect(await versionInfo(gateway, 'v2')).toMatchObject({ state: 'ready', workers: 1, inFlight: 1 })
      }
    }
    expect(lines).toBe(50)
    expect(bootsOf(folder, 'v2')).toEqual([pid])
    await eventually('its end', () => !isAlive(pid))
  })

  it('does not lose a request that comes just as it is stopped', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('http') }, { nonDefaultWorkerIdleTime: 0.5 })
    const gateway = await startGateway(folder)
    const outcomes: number[] = []
    const client = async (pause: number) => {
      for (let turn = 0; turn < 5; turn += 1) {
        outcomes.push((await gateway.fetch('/', { version: 'v2' })).status)
        await delay(pause + turn * 60)
      }
    }
    await Promise.all([client(850), client(930), client(1_010)])
    expect(outcomes).toEqual(Array(15).fill(200))
  })

  it('stays for ever with an idle time of 0', async () => {
    const folder = await versionFolder({ v1: 'http', v2: counted('http') }, { nonDefaultWorkerIdleTime: 0 })
    const gateway = await startGateway(folder)
    await gateway.fetch('/', { version: 'v2' })
    await delay(2_500) // two looks at what is idle
    expect(await versionInfo(gateway, 'v2')).toMatchObject({ state: 'ready', workers: 1 })
  })
})

describe('maxRunningVersions', () => {
  it('makes the least recently used version leave, never the live one', async () => {
    const folder = await versionFolder(
      { v1: counted('http'), v2: counted('http'), v3: counted('http'), v4: counted('http') },
      { maxRunningVersions: 3 },
    )
    const gateway = await startGateway(folder)
    await useAndCount(gateway, 'v2', 1)
    await useAndCount(gateway, 'v3', 1)
    await useAndCount(gateway, 'v2', 2)
    await useAndCount(gateway, 'v4', 1)
    const [third] = bootsOf(folder, 'v3') as [number]
    await eventually('the end of v3', () => !isAlive(third))
    expect(await running(gateway)).toEqual(['v1', 'v2', 'v4'])
    await useAndCount(gateway, 'v3', 2)
    await eventually('the end of v2', async () => !(await running(gateway)).includes('v2'))
    expect(await running(gateway)).toEqual(['v1', 'v3', 'v4'])
    expect(['v1', 'v2', 'v3', 'v4'].map((name) => bootsOf(folder, name).length)).toEqual([1, 1, 2, 1])
  })

  it('turns a version away with 503 while all others are in use, and lets it in when one is free', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: counted('http') }, { maxRunningVersions: 2 })
    const gateway = await startGateway(folder)
    const stream = await gateway.fetch('/events', { version: 'v2' })
    await eventually('the stream counted', async () => (await versionInfo(gateway, 'v2')).inFlight === 1)
    const began = performance.now()
    const refused = await gateway.fetch('/', { version: 'v3' })
    expect(refused.status).toBe(503)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'VERSION_LIMIT' })
    const scaled = await gateway.cservice('proxy', 'version', 'v3', '1', '--json')
    expect(scaled).toMatchObject({ code: 1, json: { error: { code: 'VERSION_LIMIT' } } })
    expect(bootsOf(folder, 'v3')).toEqual([])
    expect((await gateway.fetch('/')).status).toBe(200)
    await stream.body?.cancel()
    await eventually('an answer of v3', async () => (await gateway.fetch('/', { version: 'v3' })).status === 200)
    expect(bootsOf(folder, 'v3')).toHaveLength(1)
  })
})

describe('a version that is slow to start', () => {
  it('shows a browser that navigates a page that reloads, until it is there; a program just waits', async () => {
    const folder = await versionFolder({ v1: 'http' })
    folder.add('v2', counted('slow-listen'), { delay: '4000' })
    const gateway = await startGateway(folder)
    const program = gateway.fetch('/program', { version: 'v2' })
    const navigate = () => burst(`${gateway.url}/page`, 1, { 'x-version': 'v2', ...browser })
    const [page] = (await navigate()) as [BurstAnswer]
    expect(page.status).toBe(503)
    expect(page.headers).toMatchObject({
      'retry-after': '1',
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
    })
    expect(page.body).toContain('<meta http-equiv="refresh" content="1">')
    expect(page.body).toContain('Starting v2')
    expect(page.body).toContain(page.headers['x-request-id'])
    expect(page.took).toBeGreaterThan(1_000)
    expect(page.took).toBeLessThan(3_500)
    const reloaded = await eventually('the page of the version itself', async () => {
      const [answer] = (await navigate()) as [BurstAnswer]
      return answer.status === 200 ? answer : null
    })
    expect(JSON.parse(reloaded.body)).toMatchObject({ version: 'v2', url: '/page' })
    expect((await program).status).toBe(200)
    expect(bootsOf(folder, 'v2')).toHaveLength(1)
  })

  it('is started to the end though everybody who waited for it has left', async () => {
    const folder = await versionFolder({ v1: 'http' })
    folder.add('v2', counted('slow-listen'), { delay: '1500' })
    const gateway = await startGateway(folder)
    const leaving = new AbortController()
    const asked = gateway.fetch('/', { version: 'v2', signal: leaving.signal })
    await eventually('its start', () => bootsOf(folder, 'v2').length === 1)
    leaving.abort()
    await expect(asked).rejects.toThrow(/abort/)
    await eventually('v2 ready', async () => (await versionInfo(gateway, 'v2')).state === 'ready')
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    expect(bootsOf(folder, 'v2')).toHaveLength(1)
  })
})

/** One request, and the gateway has it in its figures: those come in batches. */
async function useAndCount(gateway: Gateway, version: string, requests: number): Promise<void> {
  expect((await gateway.fetch('/', { version })).status).toBe(200)
  await eventually('the request counted', async () => (await versionInfo(gateway, version)).requests === requests)
}

async function running(gateway: Gateway): Promise<string[]> {
  const { versions } = await proxyInfo(gateway)
  return versions.filter(({ workers }) => workers > 0).map(({ name }) => name)
}

function statuses(answers: readonly BurstAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
