import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Load, type LoadReport, startLoad } from '../support/load-generator.ts'
import { proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { restWords } from '../support/rest.ts'
import { failuresOf, npmPack, sampleApp } from '../support/sample-app.ts'
import { cservice, type Gateway, startGateway } from '../support/start-gateway.ts'
import { journalOf, readConfig } from '../support/state-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { bindingsWith, type VersionFolder, versionFolder } from '../support/version-folder.ts'

interface Entry {
  readonly action: string
  readonly version: string
  readonly by: string
  readonly result: string
  readonly details?: { readonly event?: string; readonly share?: number; readonly before?: Verdict }
}

interface Verdict {
  readonly state: string
  readonly errors: { readonly candidate: number; readonly live: number }
}

const guard = ['--guard', 'errors<1%']

it('three npm packages are deployed from elsewhere, rolled out, taken back by the guard, made live, rolled back and pruned, and no request fails but by the application', async () => {
  const packages = temporaryFolder()
  const first = sampleApp({ version: '0.9.0', failsEvery: null })
  const folder = await versionFolder(
    { '0.9.0': { text: first['worker.js'] } },
    { workerCount: 2, bindings: await bindingsWith(2), rolloutKey: 'header:x-user', nonDefaultWorkerIdleTime: 1 },
  )
  folder.add('0.9.0', { text: first['worker.js'] }, { 'package.json': first['package.json'] })
  const gateway = await startGateway(folder, { words: restWords })
  const [stable, bad, good] = await Promise.all([
    npmPack({ version: '1.0.0', failsEvery: null }, packages),
    npmPack({ version: '1.1.0', failsEvery: 20 }, packages),
    npmPack({ version: '1.2.0', failsEvery: null }, packages),
  ])
  const command = commandsFromElsewhere(gateway)
  const load = startLoad({ url: gateway.url, userHeader: 'x-user', think: 40 })
  await load.more(100)

  await command('deploy', stable, '--promote')
  await command('deploy', bad)
  await command('deploy', good)
  await untilServedAlone(load, '1.0.0')

  // Each step would last until the test is long over: the guard alone can end it.
  await command('rollout', '1.1.0', '--steps', '20,60,100', '--every', '10m', ...guard)
  await eventually('the guard takes 1.1.0 back', () => rolloutEvents(folder, '1.1.0').includes('abort'), 20_000)
  await untilServedAlone(load, '1.0.0')

  const beforeGood = load.report.answers.length
  await command('rollout', '1.2.0', '--steps', '20,60,100', '--every', '300ms', ...guard)
  await eventually('1.2.0 is live', () => rolloutEvents(folder, '1.2.0').includes('done'), 20_000)
  await untilServedAlone(load, '1.2.0')
  expectNobodyWentBack(load.report, beforeGood)

  expect(await command('rollback')).toMatchObject({ version: '1.0.0', previous: '1.2.0', isWarm: true })
  await untilServedAlone(load, '1.0.0')

  await eventually('0.9.0 and 1.1.0 are idle', () => areIdle(gateway, ['0.9.0', '1.1.0']), 20_000)
  const failedByBad = failuresOf(join(folder.path, '1.1.0'))
  writeFileSync(folder.config, JSON.stringify({ ...readConfig(folder), retain: { count: 1 } }))
  await eventually('retain is read', async () => hasRetain((await proxyInfo(gateway)).options))
  await command('promote', '1.2.0')
  await untilServedAlone(load, '1.2.0')
  // Of those that nobody keeps, 1.1.0 was used last.
  await eventually('0.9.0 is pruned', () => !existsSync(join(folder.path, '0.9.0')))
  await command('remove', '1.1.0')
  expect(existsSync(join(folder.path, '1.1.0'))).toBe(false)
  await load.more(100)

  const report = await load.stop()
  expect(report.failures.filter(({ isOfApplication }) => !isOfApplication)).toEqual([])
  expect(report.connectionsOpened).toBe(50)
  // All that it failed came to the clients, as it was, and once.
  expect(failedByBad).toBeGreaterThanOrEqual(5)
  expect(report.failures.map(({ version, status }) => `${version} ${status}`)).toEqual(
    Array.from({ length: failedByBad }, () => '1.1.0 500'),
  )
  await expectWholeStory(folder, command)
}, 120_000)

/** `cservice proxy …` in a process that finds no control socket: it comes in over REST, by the key. */
function commandsFromElsewhere(gateway: Gateway): (...words: string[]) => Promise<unknown> {
  const elsewhere = temporaryFolder()
  const env = { ...process.env, XDG_RUNTIME_DIR: elsewhere, TMPDIR: elsewhere, CSERVICE_ACCESS_KEY: 'test-key' }
  return async (...words) => {
    const where = ['--host', 'localhost', '--port', String(gateway.controlPort), '--json']
    const { code, json, stderr } = await cservice(['proxy', ...words, ...where], { cwd: elsewhere, env })
    expect(code, `${words.join(' ')}: ${JSON.stringify(json)}${stderr}`).toBe(0)
    return json
  }
}

/** What began from now on is answered by that version, on all connections. */
async function untilServedAlone(load: Load, version: string): Promise<void> {
  const from = performance.now()
  const since = () => load.report.answers.filter(({ startedAt }) => startedAt > from)
  await eventually(
    'an answer on each connection',
    () => new Set(since().map(({ connection }) => connection)).size === 50,
  )
  expect(new Set(since().map((answer) => answer.version))).toEqual(new Set([version]))
}

/** A client that was once given the candidate stays there. */
function expectNobodyWentBack({ answers }: LoadReport, from: number): void {
  const moved = new Set<number>()
  const back = answers.slice(from).filter(({ connection, version }) => {
    if (version === '1.2.0') moved.add(connection)
    return version !== '1.2.0' && moved.has(connection)
  })
  expect(back).toEqual([])
  expect(moved.size).toBe(50)
}

async function areIdle(gateway: Gateway, versions: readonly string[]): Promise<boolean> {
  const workers = await Promise.all(versions.map(async (version) => (await versionInfo(gateway, version)).workers))
  return workers.every((count) => count === 0)
}

function hasRetain({ retain }: Readonly<Record<string, unknown>>): boolean {
  return (retain as { count?: number | null } | undefined)?.count === 1
}

function rolloutEvents(folder: VersionFolder, version: string): unknown[] {
  return (journalOf(folder) as unknown as Entry[])
    .filter((entry) => entry.action === 'rollout' && entry.version === version)
    .map(({ details }) => details?.event)
}

/** In the journal, and as `proxy history` tells it. */
async function expectWholeStory(folder: VersionFolder, command: (...words: string[]) => Promise<unknown>) {
  const journal = journalOf(folder) as unknown as Entry[]
  const told = journal.map(({ action, version, by, details }) =>
    [action, version, ...(details?.event === undefined ? [] : [details.event]), 'by', by].join(' '),
  )
  expect(told).toEqual([
    'deploy 1.0.0 by 127.0.0.1',
    'promote 1.0.0 by 127.0.0.1',
    'deploy 1.1.0 by 127.0.0.1',
    'deploy 1.2.0 by 127.0.0.1',
    'rollout 1.1.0 start by 127.0.0.1',
    'rollout 1.1.0 abort by guard',
    'rollout 1.2.0 start by 127.0.0.1',
    'rollout 1.2.0 step by schedule',
    'promote 1.2.0 by schedule',
    'rollout 1.2.0 done by schedule',
    'rollback 1.0.0 by 127.0.0.1',
    'promote 1.2.0 by 127.0.0.1',
    'prune 0.9.0 by retain',
    'remove 1.1.0 by 127.0.0.1',
  ])
  expect(journal.every(({ result }) => result === 'done')).toBe(true)
  const abort = journal.find(({ details }) => details?.event === 'abort')?.details
  expect(abort).toMatchObject({ share: 0.2, before: { state: 'alarm', errors: { live: 0 } } })
  expect(abort?.before?.errors.candidate).toBeGreaterThanOrEqual(5)
  const { entries } = (await command('history', '100')) as { entries: Entry[] }
  expect(entries.slice(0, journal.length)).toMatchObject(
    journal.toReversed().map(({ action, version, by, result }) => ({ action, version, by, result })),
  )
}
