import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectNothingLost } from '../support/expect-nothing-lost.ts'
import { startLoad } from '../support/load-generator.ts'
import { ask, proxyInfo, readyWorkers, versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { failed, rest, restWords } from '../support/rest.ts'
import { startGateway } from '../support/start-gateway.ts'
import { journalOf, readConfig } from '../support/state-files.ts'
import { bindingsWith, versionFolder } from '../support/version-folder.ts'

interface Entry {
  readonly at: string
  readonly action: string
  readonly version: string
  readonly by: string
}

it('a rollback to a warm version starts no worker and loses no request, and the one after it goes back further', async () => {
  const versions = { v1: counted('http'), v2: counted('http'), v3: counted('http') }
  const folder = await versionFolder(versions, { workerCount: 2, bindings: await bindingsWith(2) })
  const gateway = await startGateway(folder, { words: restWords })
  await rest(gateway, 'proxy', 'promote', 'v2')
  await rest(gateway, 'proxy', 'promote', 'v3', '1')
  const warm = await readyWorkers(gateway, 'v2')
  expect(warm).toHaveLength(2)
  // One is warm at most: v1 has made room for v2.
  await eventually('v1 as small as any other', async () => (await readyWorkers(gateway, 'v1')).length === 1)
  const load = startLoad({ url: gateway.url })
  await load.more(100)
  expect(await rest(gateway, 'proxy', 'rollback')).toEqual({
    version: 'v2',
    previous: 'v3',
    workers: 2,
    isWarm: true,
    skipped: [],
    epoch: expect.any(Number),
  })
  const from = performance.now()
  await load.more(100)
  expect(await readyWorkers(gateway, 'v2')).toEqual(warm)
  expect(readConfig(folder).defaultVersion).toBe('v2')
  const until = performance.now()
  // With as many workers as it had.
  expect(await rest(gateway, 'proxy', 'rollback')).toMatchObject({ version: 'v1', workers: 2, isWarm: false })
  const report = await load.stop()
  expectNothingLost(report)
  const served = report.answers.filter(({ startedAt }) => startedAt > from && startedAt < until)
  expect(new Set(served.map(({ version }) => version))).toEqual(new Set(['v2']))
  expect(bootsOf(folder, 'v2')).toHaveLength(2)
  expect(await failed(gateway, 'proxy', 'rollback')).toMatchObject({ code: 'NO_FORMER_VERSION' })
  expect(journalOf(folder)).toMatchObject([
    { action: 'promote', version: 'v2' },
    { action: 'promote', version: 'v3' },
    { action: 'rollback', version: 'v2', previous: 'v3', result: 'done', details: { steps: 1, warm: true } },
    { action: 'rollback', version: 'v1', previous: 'v2', result: 'done', details: { steps: 1, warm: false } },
  ])
}, 60_000)

describe('the former live version', () => {
  it('keeps its workers for keepWarm seconds, and then has as many as any other', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerCount: 2, keepWarm: 3 })
    const gateway = await startGateway(folder)
    await ask(gateway, 'proxy promote v2')
    expect((await versionInfo(gateway, 'v1')).workers).toBe(2)
    await eventually('the end of its time', async () => (await versionInfo(gateway, 'v1')).workers === 1)
    expect(await ask(gateway, 'proxy rollback')).toMatchObject({ version: 'v1', workers: 2, isWarm: false })
  })

  it('is the last one that makes room for another', async () => {
    const settings = { maxRunningVersions: 3, nonDefaultWorkerIdleTime: 1 }
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: 'http', v4: 'http' }, settings)
    const gateway = await startGateway(folder)
    await ask(gateway, 'proxy promote v2')
    await ask(gateway, 'proxy version v3 1')
    await ask(gateway, 'proxy version v4 1')
    // v3 was used after v1, and had to go; v1 does not idle out either.
    await eventually('v4 idle', async () => (await versionInfo(gateway, 'v4')).workers === 0)
    const { versionWorkers } = await proxyInfo(gateway)
    expect(new Set(versionWorkers.map(({ version }) => version))).toEqual(new Set(['v1', 'v2']))
  })

  it('is decided on by the operator as soon as he says how many workers it is to have', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerCount: 2, keepWarm: 1 })
    const gateway = await startGateway(folder)
    await ask(gateway, 'proxy promote v2')
    await ask(gateway, 'proxy version v1 3')
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect((await versionInfo(gateway, 'v1')).workers).toBe(3)
  })
})

it('a rollback passes over what is gone, and says so; what was made live by an edit is known as well', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http', v3: 'http' })
  const gateway = await startGateway(folder)
  await ask(gateway, 'proxy promote v2')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(folder.config, JSON.stringify({ ...readConfig(folder), defaultVersion: 'v3' }))
  await eventually('v3 is live', async () => (await proxyInfo(gateway)).liveVersion === 'v3')
  folder.remove('v2')
  const plan = await ask(gateway, 'proxy rollback --dry-run')
  expect(plan).toMatchObject({ dryRun: true, action: 'rollback', version: 'v1', previous: 'v3', skipped: ['v2'] })
  expect(await ask(gateway, 'proxy rollback')).toMatchObject({ version: 'v1', previous: 'v3', skipped: ['v2'] })
  const { entries } = await gateway.command<{ entries: Entry[] }>('proxy', 'history')
  expect(entries.map(({ action, version }) => `${action} ${version}`)).toEqual([
    'rollback v1',
    'live-by-edit v3',
    'promote v2',
    'live-by-edit v1',
  ])
  const ofV2 = await gateway.command<{ entries: Entry[] }>('proxy', 'history', '5', '--version', 'v2')
  expect(ofV2.entries.map(({ action, version }) => `${action} ${version}`)).toEqual(['live-by-edit v3', 'promote v2'])
  const shown = await gateway.cservice('proxy', 'history', '1')
  expect(shown.stdout).toMatch(
    /^when +what +version +before +who +result +took\n.{19} +rollback +v1 +v3 +\S+ +done +\d+ ms\n$/,
  )
})

it('a dry run says what would happen, and nothing has', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerCount: 2 })
  const gateway = await startGateway(folder)
  const before = readFileSync(folder.config)
  expect(await gateway.command('proxy', 'promote', 'v2', '3', '--dry-run')).toEqual({
    dryRun: true,
    action: 'promote',
    version: 'v2',
    previous: 'v1',
    workers: 3,
    starts: 3,
    stops: 0,
    makesRoom: null,
    former: { version: 'v1', keptWarm: 300, workersThen: 1 },
    rewrites: folder.config,
    lastError: null,
  })
  expect((await gateway.cservice('proxy', 'promote', 'nope', '--dryRun')).stderr).toContain('there is no folder nope')
  const mistyped = await gateway.cservice('proxy', 'promote', 'v2', '--dry')
  expect(mistyped).toMatchObject({ code: 2, stderr: expect.stringContaining('it has no option --dry; did you mean') })
  expect((await gateway.cservice('proxy', 'rollback', '--dry-run')).code).toBe(1)
  expect(await proxyInfo(gateway)).toMatchObject({ liveVersion: 'v1' })
  expect((await versionInfo(gateway, 'v2')).workers).toBe(0)
  expect(readFileSync(folder.config)).toEqual(before)
  expect(journalOf(folder)).toEqual([])
})
