import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../dist/common/log.js'
import type { Gateway } from '../../../dist/proxy/gateway.js'
import { ProxyHost } from '../../../dist/proxy/proxy-host.js'
import { Supervisor } from '../../../dist/supervisor/supervisor.js'
import { eventually } from '../../support/eventually.ts'
import { journalOf, readConfig } from '../../support/state-files.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { type VersionFolder, versionFolder } from '../../support/version-folder.ts'

/** Every n-th answer is an error of the application. */
const failing = (every: number) => ({
  text: `let count = 0
require('node:http').createServer((req, res) => { res.statusCode = ++count % ${every} === 0 ? 500 : 200; res.end('x') }).listen(process.env.PROXY_PORT)\n`,
})
const plain = {
  steps: [25],
  every: null,
  guard: null,
  workers: null,
  step: 0,
  state: 'running',
  since: null,
  elapsed: 0,
} as const

test('a rollout goes through its steps to the promote, and no client goes back', async () => {
  const { folder, gateway } = await start({ v1: failing(1e9), v2: failing(1e9) })
  const load = loadOf(folder, 12)
  const steps = { ...plain, version: 'v2', steps: [25, 75, 100], every: 0.3, guard: 'errors<50%' } as const
  const promoted = once(gateway.live, 'promoted')
  expect(await gateway.rollout.start(steps, 'anna')).toMatchObject({ version: 'v2', share: 0.25, state: 'running' })
  expect(readConfig(folder).rollout).toMatchObject({ version: 'v2', step: 0, steps: [25, 75, 100] })
  await promoted
  await eventually('its end is in the journal', () => events(folder).includes('done'))
  const { served, statuses } = await load.stop()
  expect(events(folder)).toEqual(['start', 'step', 'done'])
  expect(readConfig(folder)).toMatchObject({ defaultVersion: 'v2' })
  expect(readConfig(folder)).not.toHaveProperty('rollout')
  expect(gateway.rollout.status).toMatchObject({ rollout: null, last: { version: 'v2', result: 'done', share: 0.75 } })
  expect(new Set(statuses)).toEqual(new Set([200]))
  for (const versions of served) expect(versions.join(' ')).toMatch(/^(v1 ?)*(v2 ?)*$/)
  expect(served.flat().filter((version) => version === 'v1').length).toBeGreaterThan(100)
})

test('a candidate of which every 20th answer is an error is taken back by the guard, with the figures in the journal', async () => {
  const { folder, gateway } = await start({ v1: failing(1e9), v2: failing(20) })
  const load = loadOf(folder, 8)
  const steps = { ...plain, version: 'v2', steps: [50, 100], every: 600, guard: 'errors<1%' } as const
  await gateway.rollout.start(steps, 'anna')
  await eventually('it is taken back', () => gateway.rollout.status.last, 20_000)
  const { statuses } = await load.stop()
  expect(gateway.live.name).toBe('v1')
  expect(gateway.rollout.status).toMatchObject({
    rollout: null,
    last: { result: 'aborted', why: expect.stringContaining('errors<1% is broken') },
  })
  expect(statuses.filter((status) => status !== 200 && status !== 500)).toEqual([])
  await eventually('it is in the journal', () => events(folder).includes('abort'))
  const entry = journalOf(folder).at(-1) as {
    by: string
    details: { before: { state: string; errors: { candidate: number } } }
  }
  expect(entry.by).toBe('guard')
  expect(entry.details.before.state).toBe('alarm')
  expect(entry.details.before.errors.candidate).toBeGreaterThanOrEqual(5)
  expect(readConfig(folder)).not.toHaveProperty('rollout')
  expect(await servedTo(folder, 20)).toEqual(new Set(['v1; by=live']))
})

test('pause, resume and another share are put in force and written down; an abort ends it', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'http', v3: 'http' })
  await gateway.rollout.start({ ...plain, version: 'v2', steps: [10, 20], every: 600 }, 'anna')
  await gateway.rollout.pause('anna')
  expect(readConfig(folder).rollout).toMatchObject({ state: 'paused' })
  expect(gateway.rollout.status.rollout).toMatchObject({ state: 'paused', waitsFor: 'it is paused' })
  await gateway.rollout.resume('bert')
  expect(readConfig(folder).rollout).toMatchObject({ state: 'running' })
  await expect(gateway.rollout.start({ ...plain, version: 'v3' }, 'anna')).rejects.toMatchObject({
    code: 'ROLLOUT_RUNNING',
  })
  await expect(gateway.rollout.start({ ...plain, version: 'v1' }, 'anna')).rejects.toMatchObject({
    code: 'ALREADY_LIVE',
  })
  await gateway.rollout.start({ ...plain, version: 'v2', steps: [100 - 1e-4] }, 'anna')
  expect(await servedTo(folder, 20)).toEqual(new Set(['v2; by=rollout']))
  expect(await gateway.rollout.abort('anna')).toMatchObject({ version: 'v2', result: 'aborted' })
  expect(await servedTo(folder, 20)).toEqual(new Set(['v1; by=live']))
  await expect(gateway.rollout.abort('anna')).rejects.toMatchObject({ code: 'NO_ROLLOUT' })
  expect(events(folder)).toEqual(['start', 'pause', 'resume', 'change', 'abort'])
})

test('a rollout of a version that does not start changes nothing', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'crash' })
  const text = readFileSync(folder.config, 'utf8')
  await expect(gateway.rollout.start({ ...plain, version: 'v2' }, 'anna')).rejects.toMatchObject({
    code: 'WORKER_FAILED',
  })
  expect(readFileSync(folder.config, 'utf8')).toBe(text)
  expect(gateway.rollout.status.rollout).toBe(null)
  expect(gateway.publisher.table.rollout).toBe(null)
  expect(journalOf(folder)).toMatchObject([{ action: 'rollout', result: 'failed' }])
})

test('the promote of another version ends a rollout, and its answer says so', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'http', v3: 'http' })
  await gateway.rollout.start({ ...plain, version: 'v2' }, 'anna')
  expect(await gateway.promote('v3', 1, 'bert')).toMatchObject({
    version: 'v3',
    rollout: { version: 'v2', result: 'aborted' },
  })
  expect(readConfig(folder)).not.toHaveProperty('rollout')
  expect(events(folder)).toEqual(['start', 'abort'])
  await gateway.rollout.start({ ...plain, version: 'v2' }, 'anna')
  expect(await gateway.promote('v2', 1, 'bert')).toMatchObject({
    version: 'v2',
    rollout: { version: 'v2', result: 'done' },
  })
  expect(gateway.rollout.status.rollout).toBe(null)
})

test('a promote that fails leaves the rollout as it was', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'http', v3: 'crash' })
  await gateway.rollout.start({ ...plain, version: 'v2' }, 'anna')
  const text = readFileSync(folder.config, 'utf8')
  await expect(gateway.promote('v3', 1, 'bert')).rejects.toMatchObject({ code: 'WORKER_FAILED' })
  expect(readFileSync(folder.config, 'utf8')).toBe(text)
  expect(gateway.publisher.table.rollout).toMatchObject({ version: 'v2', share: 0.25 })
})

test('a rollout by an edit of proxy.json is followed, changed and ended; what it leaves out is filled in', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'http' })
  edit(folder, { rollout: { version: 'v2', steps: [40], note: 'ours' } })
  await eventually('it is in force', () => gateway.publisher.table.rollout?.share === 0.4)
  await eventually('it is filled in', () => (readConfig(folder).rollout as { since?: string }).since)
  expect(readConfig(folder).rollout).toMatchObject({
    version: 'v2',
    steps: [40],
    note: 'ours',
    state: 'running',
    step: 0,
  })
  edit(folder, { rollout: { ...(readConfig(folder).rollout as object), steps: [60] } })
  await eventually('the change is in force', () => gateway.publisher.table.rollout?.share === 0.6)
  edit(folder, { rollout: undefined })
  await eventually('it is over', () => gateway.rollout.status.rollout === null)
  await eventually('the journal has it', () => events(folder).at(-1) === 'abort')
  expect(gateway.configuration.lastError).toBe(null)
})

test('a candidate whose folder vanishes gives its clients back to the live version, and says so', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'http' })
  await gateway.rollout.start({ ...plain, version: 'v2', steps: [99] }, 'anna')
  folder.remove('v2')
  await eventually('it says so', () => gateway.rollout.problem?.includes('the folder of v2 is gone'))
  expect(await servedTo(folder, 20)).toEqual(new Set(['v1; by=live']))
  // Whoever sees that must be able to stop the clock.
  expect(await gateway.rollout.pause('anna')).toMatchObject({ state: 'paused' })
  expect(readConfig(folder).rollout).toMatchObject({ state: 'paused' })
  folder.add('v2', 'http')
  await eventually('it goes on when it is there again', () => gateway.publisher.table.rollout?.share === 0.99)
  expect(gateway.rollout.problem).toBe(null)
})

test('the candidate does not idle out, and is shrunk when the rollout is over', async () => {
  const { gateway } = await start({ v1: 'http', v2: 'http' }, { nonDefaultWorkerIdleTime: 1, workerCount: 2 })
  await gateway.rollout.start({ ...plain, version: 'v2', steps: [90] }, 'anna')
  expect(gateway.versions.find('v2')?.size).toBe(2)
  expect(gateway.versions.idle({ live: gateway.live.name, warm: null }, 1)).toEqual([])
  await gateway.rollout.abort('anna')
  await eventually(
    'it has as many workers as any other, or idles out',
    () => (gateway.versions.find('v2')?.size ?? 0) < 2,
  )
})

test('mirroring is put in force, counted, and ended', async () => {
  const { folder, gateway } = await start({ v1: 'http', v2: 'http' })
  expect(await gateway.mirroring.start({ version: 'v2', share: 1 }, 'anna')).toMatchObject({ version: 'v2', share: 1 })
  expect(readConfig(folder).mirror).toEqual({ version: 'v2', share: 100 })
  expect(await servedTo(folder, 10)).toEqual(new Set(['v1; by=live']))
  await eventually('the copies are counted', () => gateway.mirroring.status?.answered === 10)
  expect(gateway.versions.find('v2')?.activity.requests).toBe(0)
  edit(folder, { mirror: null })
  await eventually('it is over', () => gateway.mirroring.status === null)
  expect(gateway.publisher.table.mirror).toBe(null)
})

async function start(
  versions: Parameters<typeof versionFolder>[0],
  settings: Record<string, unknown> = {},
): Promise<{ folder: VersionFolder; gateway: Gateway }> {
  const folder = await versionFolder(versions, { rolloutKey: 'header:x-user', warmSpares: 0, ...settings })
  const sink = { write: () => true, writableLength: 0 } as unknown as NodeJS.WriteStream
  const supervisor = await Supervisor.open({
    directory: temporaryFolder(),
    log: silentLog(),
    output: { stdout: sink, stderr: sink },
  })
  const host = new ProxyHost({ supervisor, log: silentLog() })
  onTestFinished(async () => {
    await host.close()
    await supervisor.stop()
  })
  return { folder, gateway: await host.start(folder.config) }
}

/** What has happened to rollouts, by the journal. */
function events(folder: VersionFolder): string[] {
  const entries = journalOf(folder) as Array<{ action: string; details?: { event: string } }>
  return entries.filter(({ action }) => action === 'rollout').map(({ details }) => details?.event ?? '')
}

function edit({ config }: VersionFolder, change: object): void {
  writeFileSync(config, JSON.stringify({ ...(JSON.parse(readFileSync(config, 'utf8')) as object), ...change }))
}

/** What so many clients are served. */
async function servedTo(folder: VersionFolder, clients: number): Promise<Set<string>> {
  const answers = Array.from({ length: clients }, (_, index) => ask(folder, `user${index}`))
  return new Set((await Promise.all(answers)).map(({ served }) => served))
}

interface Answer {
  readonly status: number
  readonly served: string
}

function ask({ port }: VersionFolder, user: string, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', headers: { 'x-user': user }, ...(agent === undefined ? {} : { agent }) }
    const request = get(options, (res) => {
      res
        .resume()
        .on('end', () => resolve({ status: res.statusCode ?? 0, served: String(res.headers['x-served-version']) }))
    })
    request.on('error', reject)
  })
}

/** Clients that ask again and again on connections of their own, until it is stopped. */
function loadOf(
  folder: VersionFolder,
  clients: number,
): { stop(): Promise<{ served: string[][]; statuses: number[] }> } {
  const statuses: number[] = []
  let isOver = false
  const agent = new Agent({ keepAlive: true })
  const run = async (_: unknown, index: number): Promise<string[]> => {
    const versions: string[] = []
    while (!isOver) {
      const { status, served } = await ask(folder, `user${index}`, agent)
      statuses.push(status)
      versions.push(served.split(';', 1)[0] ?? '')
    }
    return versions
  }
  const running = Array.from({ length: clients }, run)
  const stop = async () => {
    isOver = true
    const served = await Promise.all(running)
    agent.destroy()
    return { served, statuses }
  }
  onTestFinished(async () => void (await stop()))
  return { stop }
}
