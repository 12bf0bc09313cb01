import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectNothingLost } from '../support/expect-nothing-lost.ts'
import { type LoadReport, startLoad } from '../support/load-generator.ts'
import { proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { rest, restWords } from '../support/rest.ts'
import { startGateway } from '../support/start-gateway.ts'
import { journalOf, readConfig } from '../support/state-files.ts'
import { bindingsWith, versionFolder } from '../support/version-folder.ts'

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
    const settings = { workerCount: 2, bindings: await bindingsWith(2), keepWarm: 0 }
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, settings)
    const gateway = await startGateway(folder, { words: restWords })
    const load = startLoad({ url: gateway.url })
    await load.more(100)
    const periods: Period[] = []
    for (let turn = 0; turn < 20; turn += 1) {
      const [version, previous] = turn % 2 === 0 ? ['v2', 'v1'] : ['v1', 'v2']
      const answer = await rest<Promoted>(gateway, 'proxy', 'promote', version)
      const from = performance.now()
      expect(answer).toEqual({ version, previous, workers: 2, epoch: expect.any(Number) })
      await load.more(100) // those that were in flight before it among them
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
  }, 90_000)

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
  // The routes to the new workers may come a moment after the answer.
  const streams: Awaited<ReturnType<typeof gateway.fetch>>[] = []
  const pids = new Set<string | null>()
  while (pids.size < 3 && streams.length < 20) {
    const stream = await gateway.fetch('/stream?chunks=60&interval=100', { version: 'v2' })
    streams.push(stream)
    pids.add(stream.headers.get('x-worker-pid'))
  }
  expect(pids.size).toBe(3)
  const texts = streams.map((stream) => stream.text())
  const began = performance.now()
  expect(await rest(gateway, 'proxy', 'promote', 'v2', '1')).toMatchObject({ version: 'v2', workers: 1 })
  expect(performance.now() - began).toBeLessThan(5_000)
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

/** Requests that began after a promote had answered and before the next was asked for, and reached another version. */
function strays({ answers }: LoadReport, periods: readonly Period[]) {
  return answers.filter(({ startedAt, version }) =>
    periods.some(({ live, from, to }) => startedAt > from && startedAt < to && version !== live),
  )
}
