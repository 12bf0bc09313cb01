import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { tgz } from '../proxy/releases/tarball.ts'
import { eventually } from '../support/eventually.ts'
import { type FixtureWorker, fixtureWorker } from '../support/fixture-worker.ts'
import { onFileFinish } from '../support/on-finish.ts'
import { restWords } from '../support/rest.ts'
import { ended } from '../support/run.ts'
import { cservice, type Gateway, startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

interface Answer {
  readonly version: string
  readonly promoted: { readonly version: string; readonly previous: string } | null
}

const onFinish = onFileFinish()
let folder: VersionFolder
let gateway: Gateway

beforeAll(async () => {
  folder = await versionFolder({ v1: 'http' }, {}, onFinish)
  gateway = await startGateway(folder, { words: restWords, onFinish })
})

const packageJson = (version: string) => JSON.stringify({ name: 'app', version, type: 'module' })

function worker(kind: FixtureWorker = 'http'): string {
  return `import ${JSON.stringify(pathToFileURL(fixtureWorker(kind)).href)}\n`
}

/** What `npm pack` makes of an app. */
function npmPacked(version: string, text = worker()): Buffer {
  return tgz({ path: 'package/package.json', body: packageJson(version) }, { path: 'package/worker.js', body: text })
}

function fileWith(bytes: Buffer, name = 'app.tgz'): string {
  const file = join(temporaryFolder(), name)
  writeFileSync(file, bytes)
  return file
}

/** What lies beside the versions, staging and all. */
const names = () => readdirSync(folder.path).toSorted()

function journal(): Array<Record<string, unknown>> {
  const text = readFileSync(join(folder.path, '.cservice', 'journal.jsonl'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function failure(...words: string[]): Promise<{ code: string; message: string; details?: unknown }> {
  const outcome = await gateway.cservice('proxy', 'deploy', ...words, '--json')
  expect(outcome.code).toBe(1)
  return (outcome.json as { error: { code: string; message: string } }).error
}

describe('a release comes in', () => {
  it('as npm pack has made it, and is served by the name that its package.json says', async () => {
    const archive = npmPacked('2.0.0')
    const answer = await gateway.command<Answer>('proxy', 'deploy', fileWith(archive))
    const sha256 = createHash('sha256').update(archive).digest('hex')
    expect(answer).toMatchObject({ version: '2.0.0', files: 2, sha256, promoted: null, dryRun: false })
    expect(readdirSync(join(folder.path, '2.0.0')).toSorted()).toEqual(['package.json', 'worker.js'])
    expect(existsSync(join(folder.path, '.staging'))).toBe(false)
    expect(await (await gateway.fetch('/', { version: '2.0.0' })).json()).toMatchObject({ version: '2.0.0' })
    expect(journal().at(-1)).toMatchObject({ action: 'deploy', version: '2.0.0', result: 'done', details: { sha256 } })
  })

  it('as a folder, under another name, and is promoted with it', async () => {
    const app = temporaryFolder()
    writeFileSync(join(app, 'worker.js'), worker())
    writeFileSync(join(app, 'package.json'), packageJson('2.0.0'))
    const answer = await gateway.command<Answer>('proxy', 'deploy', app, '--as', 'v3', '--promote', '2')
    expect(answer).toMatchObject({ version: 'v3', promoted: { version: 'v3', previous: 'v1', workers: 2 } })
    expect(await (await gateway.fetch()).json()).toMatchObject({ version: 'v3' })
    await gateway.command('proxy', 'promote', 'v1')
  })

  it('from another machine, as it were: through a pipe, over REST with the key, with its digest', async () => {
    const archive = npmPacked('ignored')
    const sha256 = createHash('sha256').update(archive).digest('hex')
    const elsewhere = temporaryFolder() // no control socket is found from there
    const env = { ...process.env, XDG_RUNTIME_DIR: elsewhere, TMPDIR: elsewhere, CSERVICE_ACCESS_KEY: 'test-key' }
    const words = [
      'proxy',
      'deploy',
      '-',
      '--as',
      'v4',
      '--sha256',
      sha256,
      '--json',
      '--port',
      String(gateway.controlPort),
    ]
    const program = new URL('../../dist/cli/cservice.js', import.meta.url).pathname
    const child = spawn(process.execPath, [program, ...words], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    let stdout = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stdin.end(archive)
    expect(await ended(child, 15_000)).toEqual({ code: 0, signal: null })
    expect(JSON.parse(stdout)).toMatchObject({ version: 'v4', sha256 })
    expect(journal().at(-1)).toMatchObject({ version: 'v4', by: '127.0.0.1' })
  })

  it('once, when several bring the same name at the same moment', async () => {
    const file = fileWith(npmPacked('5.0.0'))
    const outcomes = await Promise.all([1, 2, 3].map(() => gateway.cservice('proxy', 'deploy', file, '--json')))
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual([0, 1, 1])
    const codes = outcomes.flatMap(({ json }) => (json as { error?: { code: string } }).error?.code ?? [])
    expect(codes).toEqual(['VERSION_EXISTS', 'VERSION_EXISTS'])
    expect(
      journal()
        .slice(-3)
        .map(({ version }) => version),
    ).toEqual(['5.0.0', '5.0.0', '5.0.0'])
    expect(await (await gateway.fetch('/', { version: '5.0.0' })).json()).toMatchObject({ version: '5.0.0' })
  })

  it('and goes back out, over REST and where it lies, as the same bytes', async () => {
    const target = temporaryFolder() // here is no folder v1: it is fetched
    const pack = (source: string, file: string) =>
      cservice(['proxy', 'pack', source, file, '--json', '--port', String(gateway.controlPort)], { cwd: target })
    const [there, here] = [await pack('v1', 'a.tgz'), await pack(join(folder.path, 'v1'), 'b.tgz')]
    expect(readFileSync(join(target, 'a.tgz')).equals(readFileSync(join(target, 'b.tgz')))).toBe(true)
    expect(here.json).toMatchObject({ sha256: (there.json as { sha256: string }).sha256 })
    expect((await pack('v1', 'a.tgz')).json).toMatchObject({ error: { code: 'BAD_USAGE' } })
    expect((await pack('v1', '-')).json).toMatchObject({ error: { code: 'BAD_USAGE' } })
    expect((await pack('v0', 'c.tgz')).json).toMatchObject({ error: { code: 'UNKNOWN_VERSION' } })
    expect(readdirSync(target).toSorted()).toEqual(['a.tgz', 'b.tgz'])
  })
})

describe('nothing is left of a release', () => {
  it.each<[string, Buffer, string[], string, RegExp]>([
    ['that is there already', npmPacked('x'), ['--as', 'v1'], 'VERSION_EXISTS', /There is a version v1 already/],
    [
      'that leads out of its folder',
      tgz({ path: '../../victim', body: 'x' }),
      ['--as', 'bad'],
      'RELEASE_REFUSED',
      /leads out/,
    ],
    ['with another digest', npmPacked('bad'), ['--sha256', '0'.repeat(64)], 'RELEASE_REFUSED', /its SHA-256 is/],
    [
      'without a worker file',
      tgz({ path: 'app/worker.js', body: '' }),
      ['--as', 'bad'],
      'RELEASE_REFUSED',
      /no worker file worker.js/,
    ],
    [
      'that exits at once',
      npmPacked('bad', worker('crash')),
      [],
      'TRIAL_FAILED',
      /bad failed its trial start: .*exited with code 7/,
    ],
  ])('%s', async (_, archive, words, code, message) => {
    const before = names()
    const error = await failure(fileWith(archive), ...words)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(names()).toEqual(before)
    expect(journal().at(-1)).toMatchObject({ action: 'deploy', result: 'failed' })
    if (code === 'TRIAL_FAILED') expect(JSON.stringify(error.details)).toContain('crash: cannot find the database')
  })

  it('that was only looked at', async () => {
    const before = names()
    const answer = await gateway.command('proxy', 'deploy', fileWith(npmPacked('6.0.0')), '--promote', '--dry-run')
    expect(answer).toMatchObject({ version: '6.0.0', dryRun: true, promoted: null })
    expect(names()).toEqual(before)
  })

  it('whose sender goes away in the middle', async () => {
    const before = names()
    const archive = npmPacked('7.0.0')
    const socket = net.connect(gateway.controlPort, '127.0.0.1')
    const head = `POST /deploy?as=gone HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-key\r\nContent-Length: ${archive.length}\r\n\r\n`
    socket.write(head)
    socket.write(archive.subarray(0, 100))
    await eventually('its staging folder', () => existsSync(join(folder.path, '.staging')))
    socket.destroy()
    await eventually('the end of it', () => journal().at(-1)?.version === 'gone')
    expect(journal().at(-1)).toMatchObject({ result: 'failed', error: expect.stringContaining('client left') })
    expect(names()).toEqual(before)
  })

  it('and a request for one that makes no sense is told so', async () => {
    const asked = async (method: string, path: string) => {
      const headers = { authorization: 'Bearer test-key', 'x-cservice': '1' }
      const res = await fetch(`http://127.0.0.1:${gateway.controlPort}${path}`, { method, headers })
      return [res.status, ((await res.json()) as { error: { message: string } }).error.message]
    }
    expect(await asked('POST', '/cli?cmd=proxy+pack+v1+-')).toEqual([400, expect.stringContaining('by its own path')])
    const surplus = await asked('GET', '/pack?version=v1&file=a.tgz')
    expect(surplus).toEqual([400, expect.stringContaining('there is no parameter "file"')])
    expect((await asked('POST', '/deploy?as=--promote'))[1]).toContain('--as needs the name')
  })

  it('whose path is named to a gateway that would have to read it itself', async () => {
    const res = await fetch(`http://127.0.0.1:${gateway.controlPort}/cli?cmd=proxy+deploy+/etc/passwd`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-key' },
    })
    expect([res.status, await res.text()]).toEqual([400, expect.stringContaining('No release came with the command')])
  })
})

describe('with an install step and a health path', () => {
  /** Answers /health with the status that the install step has written down. */
  const healthy = `
    import { readFileSync } from 'node:fs'
    import http from 'node:http'
    console.error('trial ' + process.env.CSERVICE_TRIAL)
    http.createServer((req, res) => {
      res.writeHead(req.url === '/health' ? Number(readFileSync('status', 'utf8')) : 200)
      res.end(String(process.env.CSERVICE_TRIAL))
    }).listen(process.env.PROXY_PORT)`
  const archive = (step: string) =>
    fileWith(
      tgz(
        { path: 'worker.js', body: healthy },
        { path: 'step', body: step },
        { path: 'package.json', body: '{"type":"module"}' },
      ),
    )

  it('it is a version when both went well; else its folder is gone and the log stays', async () => {
    const settings = { install: 'echo "for $CSERVICE_VERSION"; sh step', healthPath: '/health', healthTimeout: 3 }
    const own = await versionFolder({ v1: 'http' }, settings)
    const {
      command,
      cservice: run,
      fetch,
    } = await startGateway(own).then((started) => ({
      command: started.command.bind(started),
      cservice: started.cservice.bind(started),
      fetch: started.fetch.bind(started),
    }))

    const good = await command<{ installLog: string }>('proxy', 'deploy', archive('echo 204 > status'), '--as', 'good')
    expect(readFileSync(good.installLog, 'utf8')).toContain('for good\n')
    expect(await (await fetch('/', { version: 'good' })).text()).toBe('undefined') // the trial is over

    const ill = await run('proxy', 'deploy', archive('echo 500 > status'), '--as', 'ill', '--json')
    expect(ill.json).toMatchObject({ error: { code: 'TRIAL_FAILED', details: { stderr: ['trial 1'] } } })
    expect(ill.stdout).toContain('/health answered 500 for 3 s')

    const broken = await run('proxy', 'deploy', archive('echo no such package; exit 3'), '--as', 'broken', '--json')
    expect(broken.json).toMatchObject({
      error: { code: 'INSTALL_FAILED', message: expect.stringContaining('exited with code 3') },
    })
    expect(broken.stdout).toContain('no such package')
    const { log } = (broken.json as { error: { details: { log: string } } }).error.details
    expect(readFileSync(log, 'utf8')).toContain('no such package')
    expect(readdirSync(own.path).toSorted()).toEqual(['.cservice', 'good', 'proxy.json', 'v1'])
  })
})

it('the program that runs a service deploys files of its own', async () => {
  const own = await versionFolder({ v1: 'http' })
  const app = join(temporaryFolder(), 'from-a-program')
  mkdirSync(app)
  writeFileSync(join(app, 'worker.js'), worker())
  writeFileSync(join(app, 'package.json'), '{"type":"module"}')
  const library = new URL('../../dist/index.js', import.meta.url).href
  const program = join(temporaryFolder(), 'program.mjs')
  writeFileSync(
    program,
    `import { start, stop, proxy } from ${JSON.stringify(library)}
     await start({ proxy: ${JSON.stringify(own.config)}, port: 0 || ${own.port + 1}, cli: false })
     console.log(JSON.stringify(await proxy.deploy(${JSON.stringify(app)}, { promote: 1 })))
     await stop()`,
  )
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  expect(await ended(child, 25_000)).toEqual({ code: 0, signal: null })
  const answer = stdout.split('\n').find((line) => line.startsWith('{')) // workers have their say as well
  expect(JSON.parse(answer ?? '')).toMatchObject({ version: 'from-a-program', promoted: { version: 'from-a-program' } })
})
