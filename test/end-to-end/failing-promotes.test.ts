import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { burst } from '../support/burst.ts'
import { eventually } from '../support/eventually.ts'
import { expectNothingLost } from '../support/expect-nothing-lost.ts'
import { startLoad } from '../support/load-generator.ts'
import { type ProxyInfo, proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { failed, rest, restWords } from '../support/rest.ts'
import { startGateway } from '../support/start-gateway.ts'
import { journalOf, readConfig } from '../support/state-files.ts'
import { bindingsWith, type VersionFolder, versionFolder } from '../support/version-folder.ts'

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
    expect.stringMatching(/^crashes: worker \d+ exited with code 7 after .* s, waiting for it to listen on PROXY_PORT/),
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
