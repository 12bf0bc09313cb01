import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { burst } from '../support/burst.ts'
import { eventually } from '../support/eventually.ts'
import { type LoadReport, startLoad } from '../support/load-generator.ts'
import { type ProxyInfo, proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { type RestError, rest, restWords } from '../support/rest.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { bindingsWith, type VersionFolder, versionFolder } from '../support/version-folder.ts'

interface Promoted {
  readonly version: string
  readonly previous: string | null
  readonly workers: number
  readonly epoch: number
}

interface Scaled {
  readonly version: string
  readonly workers: number
  readonly started: number
  readonly stopped: number
}

/** One promote of a run: between its answer and the next one, new requests go nowhere else. */
interface Period {
  readonly live: string
  readonly from: number
  to: number
}

describe('under the load of 50 connections', () => {
  it('twenty promotes to and fro lose no request, and after the answer of each no new one reaches the old version', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerCount: 2, bindings: await bindingsWith(2) })
    const gateway = await startGateway(folder, { words: restWords })
    const load = startLoad({ url: gateway.url })
    await load.more(100)
    const periods: Period[] = []
    for (let turn = 0; turn < 20; turn += 1) {
      const [version, previous] = turn % 2 === 0 ? ['v2', 'v1'] : ['v1', 'v2']
      const answer = await rest<Promoted>(gateway, 'proxy', 'promote', version)
      const from = performance.now()
      expect(answer).toEqual({ version, previous, workers: 2, epoch: expect.any(Number) })
      await load.more(60)
      periods.push({ live: version, from, to: performance.now() })
    }
    const report = await load.stop()
    expectNothingLost(report)
    expect(strays(report, periods)).toEqual([])
    for (const { from, to } of periods) {
      expect(report.answers.filter(({ startedAt }) => startedAt > from && startedAt < to).length).toBeGreaterThan(10)
    }
    expect(readConfig(folder).defaultVersion).toBe('v1')
    // The former live version shrinks to what a version that is not live has.
    await eventually('v2 shrunk', async () => (await versionInfo(gateway, 'v2')).workers === 1)
    expect(journalOf(folder)).toHaveLength(20)
  }, 60_000)

  it('more and fewer workers lose no request, of the live version nor of another', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { workerCount: 4 })
    const gateway = await startGateway(folder, { words: restWords })
    const live = startLoad({ url: gateway.url, connections: 25 })
    const named = startLoad({ url: gateway.url, connections: 25, headers: { 'x-version': 'v2' } })
    await named.more(50)
    for (const [v1, v2] of [
      [1, 4],
      [4, 1],
      [1, 4],
      [4, 1],
    ] as const) {
      const answers = await Promise.all([
        rest<Scaled>(gateway, 'proxy', 'version', 'v1', String(v1)),
        rest<Scaled>(gateway, 'proxy', 'version', 'v2', String(v2)),
      ])
      expect(answers).toMatchObject([
        { version: 'v1', workers: v1, started: v1 === 1 ? 0 : 3, stopped: v1 === 1 ? 3 : 0 },
        { version: 'v2', workers: v2, started: v2 === 1 ? 0 : 3, stopped: v2 === 1 ? 3 : 0 },
      ])
      await Promise.all([live.more(40), named.more(40)])
    }
    const reports = await Promise.all([live.stop(), named.stop()])
    for (const report of reports) expectNothingLost(report, 25)
    expect(reports.map(({ answers }) => [...new Set(answers.map(({ version }) => version))])).toEqual([['v1'], ['v2']])
  }, 60_000)

  it('a promote that fails changes nothing, and its answer says why', async () => {
    const folder = await versionFolder(
      {
        v1: 'http',
        crashes: 'crash',
        hangs: 'never-listens',
        killed: { text: "console.error('last words')\nprocess.kill(process.pid, 'SIGKILL')\n" },
        elsewhere: 'wrong-port',
      },
      { workerCount: 2, startTimeout: 1.5 },
    )
    const gateway = await startGateway(folder, { words: restWords })
    const before = readFileSync(folder.config)
    const v1 = await versionInfo(gateway, 'v1')
    const load = startLoad({ url: gateway.url })
    await load.more(50)
    const reasons = []
    for (const version of ['crashes', 'hangs', 'killed', 'elsewhere']) {
      reasons.push(await failed(gateway, 'proxy', 'promote', version, '2'))
      expect(readFileSync(folder.config)).toEqual(before)
      await load.more(50)
    }
    const report = await load.stop()
    const waitedFor = expect.stringMatching(/^listen on PROXY_PORT \d+$/)
    expect(reasons).toMatchObject([
      { code: 'WORKER_FAILED', details: { exitCode: 7, signal: null, stderr: ['crash: cannot find the database'] } },
      { code: 'WORKER_FAILED', details: { exitCode: null, waitedFor, stderr: ['never-listens: thinking about it'] } },
      { code: 'WORKER_FAILED', details: { signal: 'SIGKILL', stderr: ['last words'] } },
      { code: 'WORKER_FAILED', details: { exitCode: null, waitedFor, listensOn: [expect.any(Number)] } },
    ])
    expect(reasons.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^crashes: worker \d+ exited with code 7 after .* s, waiting for it to listen on PROXY_PORT/,
      ),
      expect.stringMatching(/^hangs: worker \d+ was not ready after 1\.\d s, waiting for it to listen on PROXY_PORT/),
      expect.stringMatching(/^killed: worker \d+ was ended by SIGKILL after/),
      expect.stringMatching(/^elsewhere: .*it listens on port \d+ instead$/),
    ])
    expectNothingLost(report)
    expect(new Set(report.answers.map(({ version }) => version))).toEqual(new Set(['v1']))
    const after = await proxyInfo(gateway)
    expect(after.liveVersion).toBe('v1')
    expect(after.versions.find(({ name }) => name === 'v1')).toMatchObject({ ports: v1.ports, workers: 2 })
    expect(after.versionWorkers.filter(({ version }) => version !== 'v1')).toEqual([])
    expect(journalOf(folder).map(({ result, version }) => [result, version])).toEqual([
      ['failed', 'crashes'],
      ['failed', 'hangs'],
      ['failed', 'killed'],
      ['failed', 'elsewhere'],
    ])
  }, 60_000)
})

describe('a promote that fails half way', () => {
  it('puts the number of workers back where only some of the new ones start', async () => {
    // The first worker takes the folder for itself, as a program with a lock file does.
    const folder = await versionFolder({ v1: 'http' })
    folder.add('v2', {
      text: `require('node:fs').mkdirSync('lock')\n${httpWorkerText()}`,
    })
    const gateway = await startGateway(folder)
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
    const before = await proxyInfo(gateway)
    const outcome = await gateway.cservice('proxy', 'promote', 'v2', '3')
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toMatch(/v2: worker \d+ exited with code 1/)
    expect(outcome.stderr).toMatch(/EEXIST/)
    expectAsBefore(await proxyInfo(gateway), before)
    expect(await (await gateway.fetch('/', { version: 'v2' })).text()).toBe('v2')
  })

  it.each([
    ['is a folder now', makeFolder],
    ['can be read but not written', makeUnwritable],
    ['is broken', makeBroken],
  ])('puts everything back where proxy.json %s', async (_name, spoil) => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' })
    const gateway = await startGateway(folder, { words: restWords })
    const before = await proxyInfo(gateway)
    const repair = spoil(folder)
    const error = await failed(gateway, 'proxy', 'promote', 'v2')
    expect(error.code).toBe('CONFIG_WRITE_FAILED')
    expect(error.message).toContain('proxy.json')
    await eventually('the workers of v2 gone', async () => (await versionInfo(gateway, 'v2')).draining.length === 0)
    expectAsBefore(await proxyInfo(gateway), before)
    expect(await (await gateway.fetch('/')).json()).toMatchObject({ version: 'v1' })
    repair()
    expect(readConfig(folder).defaultVersion).toBe('v1')
    expect(await rest(gateway, 'proxy', 'promote', 'v2')).toMatchObject({ version: 'v2', previous: 'v1' })
  })

  it('puts everything back where a proxy process hangs, says which one, and goes on with it when it wakes up', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { bindings: await bindingsWith(2) })
    const gateway = await startGateway(folder, { words: restWords })
    const config = readFileSync(folder.config)
    const before = await proxyInfo(gateway)
    const hanging = before.proxyWorkers[0]?.pid as number
    process.kill(hanging, 'SIGSTOP')
    onTestFinished(() => void process.kill(hanging, 'SIGCONT'))
    const began = performance.now()
    const error = await failed(gateway, 'proxy', 'promote', 'v2')
    expect(performance.now() - began).toBeGreaterThan(9_000)
    expect(performance.now() - began).toBeLessThan(16_000)
    expect(error).toMatchObject({ code: 'NOT_ACKNOWLEDGED', details: { pids: [hanging] } })
    expect(error.message).toContain(String(hanging))
    expect(readFileSync(folder.config)).toEqual(config)
    expectAsBefore(await proxyInfo(gateway), before)
    process.kill(hanging, 'SIGCONT')
    await eventually('both on the current routes', async () => {
      const { epoch, proxyWorkers } = await proxyInfo(gateway)
      return proxyWorkers.every((worker) => worker.epoch === epoch)
    })
    const answers = await burst(`${gateway.url}/`, 40)
    expect(new Set(answers.map(({ headers }) => headers['x-served-version']))).toEqual(new Set(['v1; by=live']))
    expect(readFileSync(folder.config)).toEqual(config)
    expect(await rest(gateway, 'proxy', 'promote', 'v2')).toMatchObject({ version: 'v2', previous: 'v1' })
    expect(journalOf(folder)).toMatchObject([
      { action: 'promote', version: 'v2', previous: 'v1', result: 'failed', error: error.message },
      { action: 'promote', version: 'v2', previous: 'v1', result: 'done' },
    ])
  }, 45_000)
})

describe('promotes that meet', () => {
  it('two at once are carried out one after the other, and agree with proxy.json', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: 'http' })
    const gateway = await startGateway(folder, { words: restWords })
    const answers = (await Promise.all(
      ['v2', 'v3'].map((version) => rest<Promoted>(gateway, 'proxy', 'promote', version)),
    )) as Promoted[]
    const [first, second] = answers.toSorted((a, b) => a.epoch - b.epoch) as [Promoted, Promoted]
    expect(first.previous).toBe('v1')
    expect(second.previous).toBe(first.version)
    expect((await proxyInfo(gateway)).liveVersion).toBe(second.version)
    expect(readConfig(folder).defaultVersion).toBe(second.version)
    expect(await (await gateway.fetch('/')).json()).toMatchObject({ version: second.version })
  })

  it('one that follows another is not undone by what the watcher of proxy.json saw in between', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' })
    folder.add('v3', 'slow-listen', { delay: '700' })
    const gateway = await startGateway(folder, { words: restWords })
    expect(await rest(gateway, 'proxy', 'promote', 'v2')).toMatchObject({ version: 'v2' })
    // While v3 starts, proxy.json says v2, and the change is noticed.
    expect(await rest(gateway, 'proxy', 'promote', 'v3')).toMatchObject({ version: 'v3', previous: 'v2' })
    await eventually('the end of every change', async () => (await versionInfo(gateway, 'v2')).draining.length === 0)
    expect(await rest(gateway, 'proxy', 'promote', 'v3')).toMatchObject({ version: 'v3', previous: 'v3' })
    expect(readConfig(folder).defaultVersion).toBe('v3')
    expect(journalOf(folder).map(({ action, version }) => `${action} ${version}`)).toEqual([
      'promote v2',
      'promote v3',
      'promote v3',
    ])
  })
})

it('a promote to fewer workers does not wait for the streams on those that leave, and ends none of them', async () => {
  const folder = await versionFolder({ v1: 'http', v2: counted('http') })
  const gateway = await startGateway(folder, { words: restWords })
  expect(await rest(gateway, 'proxy', 'version', 'v2', '3')).toMatchObject({ started: 3 })
  const streams = await Promise.all(
    [1, 2, 3].map(() => gateway.fetch('/stream?chunks=60&interval=100', { version: 'v2' })),
  )
  expect(new Set(streams.map(({ headers }) => headers.get('x-worker-pid'))).size).toBe(3)
  const texts = streams.map((stream) => stream.text())
  const began = performance.now()
  expect(await rest(gateway, 'proxy', 'promote', 'v2', '1')).toMatchObject({ version: 'v2', workers: 1 })
  expect(performance.now() - began).toBeLessThan(3_000)
  expect(await versionInfo(gateway, 'v2')).toMatchObject({ workers: 1, draining: [{}, {}] })
  for (const text of texts) expect((await text).split('\n')).toHaveLength(61)
  await eventually('the surplus workers gone', async () => (await versionInfo(gateway, 'v2')).draining.length === 0)
})

it('a proxy.json full of comments has one line changed, and is the same again after the way back', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' })
  const { bindings, versionPorts } = folder.settings
  const text = [
    '// What this is for: "defaultVersion": "v9",',
    '{',
    '\t"$schema": "../schema.json", /* helps editors */',
    '\t"mine": { "defaultVersion": "not this one" },',
    `\t"versionPorts": "${versionPorts}",`,
    '\t"defaultVersion" :  "v1" ,  // the live one',
    '',
    '\t"workerCount": 1,',
    `\t"bindings": ${JSON.stringify(bindings)}, // trailing comma`,
    '}',
    '// the end',
  ].join('\r\n')
  writeFileSync(folder.config, text)
  const gateway = await startGateway(folder)
  expect(await gateway.command('proxy', 'promote', 'v2')).toMatchObject({ version: 'v2', previous: 'v1' })
  const after = readFileSync(folder.config, 'utf8')
  expect(after).toBe(text.replace('"defaultVersion" :  "v1"', '"defaultVersion" :  "v2"'))
  await gateway.command('proxy', 'promote', 'v1')
  expect(readFileSync(folder.config, 'utf8')).toBe(text)
})

it('each promote leaves one line in the journal, with who asked and how it went, and the answer goes to people as well', async () => {
  const folder = await versionFolder({ v1: 'http', v2: counted('http'), broken: 'crash' })
  const gateway = await startGateway(folder)
  const done = await gateway.cservice('proxy', 'promote', 'v2', '2')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toContain('v2')
  expect(bootsOf(folder, 'v2')).toHaveLength(2)
  const notDone = await gateway.cservice('proxy', 'promote', 'broken')
  expect(notDone.code).toBe(1)
  expect(notDone.stderr).toContain('crash: cannot find the database')
  const by = expect.stringMatching(/./)
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(journalOf(folder)).toMatchObject([
    { at, action: 'promote', version: 'v2', previous: 'v1', workers: 2, by, result: 'done', epoch: expect.any(Number) },
    { at, action: 'promote', version: 'broken', previous: 'v2', by, result: 'failed', error: expect.any(String) },
  ])
})

function expectNothingLost({ failures, connectionsOpened }: LoadReport, connections = 50): void {
  expect(failures).toEqual([])
  expect(connectionsOpened).toBe(connections)
}

/** Requests that began after a promote had answered and before the next was asked for, and reached another version. */
function strays({ answers }: LoadReport, periods: readonly Period[]) {
  return answers.filter(({ startedAt, version }) =>
    periods.some(({ live, from, to }) => startedAt > from && startedAt < to && version !== live),
  )
}

/** What the gateway was before a promote that failed, it is after it. */
function expectAsBefore(after: ProxyInfo, before: ProxyInfo): void {
  const essence = ({ liveVersion, versions, versionWorkers, proxyWorkers }: ProxyInfo) => ({
    liveVersion,
    workers: versions.map(({ name, workers, ports }) => ({ name, workers, ports })),
    pids: versionWorkers.map(({ pid }) => pid),
    proxies: proxyWorkers.map(({ pid }) => pid),
  })
  expect(essence(after)).toEqual(essence(before))
}

async function failed(gateway: Gateway, ...words: string[]): Promise<RestError> {
  const answer = await rest<Record<string, unknown>>(gateway, ...words)
  if (!('error' in answer)) throw new Error(`${words.join(' ')} succeeded: ${JSON.stringify(answer)}`)
  return answer.error as RestError
}

function makeFolder({ config }: VersionFolder): () => void {
  renameSync(config, `${config}.aside`)
  mkdirSync(config)
  return () => {
    rmdirSync(config)
    renameSync(`${config}.aside`, config)
  }
}

/** The name of the file is as long as a name may be: no temporary file fits beside it. Holds for root as well. */
function makeUnwritable({ config, path }: VersionFolder): () => void {
  const target = join(path, `.${'n'.repeat(254)}`)
  renameSync(config, target)
  symlinkSync(target, config)
  return () => {
    rmSync(config)
    renameSync(target, config)
  }
}

function makeBroken({ config }: VersionFolder): () => void {
  const text = readFileSync(config)
  writeFileSync(config, '{ "defaultVersion": "v1", ')
  return () => writeFileSync(config, text)
}

function httpWorkerText(): string {
  return "require('node:http').createServer((req, res) => res.end(process.env.CSERVICE_VERSION)).listen(Number(process.env.PROXY_PORT))\n"
}

function readConfig({ config }: VersionFolder): Record<string, unknown> {
  return JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>
}

function journalOf({ path }: VersionFolder): Array<Record<string, unknown>> {
  const lines = readFileSync(join(path, '.cservice', 'journal.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}
