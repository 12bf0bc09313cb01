import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../supervisor/control/resources.ts'
import { cservice, cserviced, type Finished, place } from './programs.ts'

const running = /Ctrl-C stops it/

/** An unmodified web server: answers with what it was started with. */
const server = `
  import http from 'node:http'
  const { pid, argv, env } = process
  const facts = JSON.stringify({ pid, args: argv.slice(2), cwd: process.cwd(), colour: env.COLOUR, key: env.CSERVICE_ACCESS_KEY })
  http.createServer((req, res) => res.end(facts)).listen(Number(env.SERVER_PORT), '127.0.0.1')
`

/** A place with worker files in its runtime directory, and `start` of programs that run there. */
async function servicePlace(files: Readonly<Record<string, string>> = {}) {
  const it = await place()
  const serverPort = await freePort()
  const write = (name: string, text: string) => {
    const path = join(it.runtime, name)
    writeFileSync(path, text)
    return path
  }
  for (const [name, text] of Object.entries({
    'server.mjs': server,
    'bad.js': `console.error('boom'); process.exit(3)`,
    ...files,
  }))
    write(name, text)
  const extra = { SERVER_PORT: String(serverPort) }
  const start = (argv: readonly string[]) => it.start(cservice, argv, extra)
  const ask = async (): Promise<Record<string, unknown>> =>
    (await (await fetch(`http://127.0.0.1:${serverPort}/`)).json()) as Record<string, unknown>
  onTestFinished(async () => void (await it.run(cservice, ['shutdown', 'all'])))
  return { ...it, start, ask, write, extra, file: (name: string) => join(it.runtime, name) }
}

function json({ stdout }: Finished): unknown {
  expect(stdout.trimEnd()).not.toContain('\n')
  return JSON.parse(stdout)
}

test('cservice server.mjs runs workers in the foreground, says what runs and what to type next, and stops on SIGTERM', async () => {
  const { start, run, ask, file, port } = await servicePlace()
  const service = start([file('server.mjs'), '--workerCount', '2', '--', '--verbose', 'x.js'])
  const greeting = await service.until('stdout', running)
  expect(greeting).toContain('The service is running: 2 workers of server.mjs')
  expect(greeting).toContain("LOCAL ONLY MODE. Run with 'accessKey' option to enable communication channel.")
  expect(greeting).toContain(`cservice restart all --port ${port}`)
  expect(await ask()).toMatchObject({ args: ['--verbose', 'x.js'], cwd: process.cwd() })
  const workers = json(await run(cservice, ['workers', '--json'])) as { workers: unknown[] }
  expect(workers.workers).toHaveLength(2)
  service.child.kill('SIGTERM')
  expect((await service.finished).code).toBe(0)
  expect((await run(cservice, ['workers'])).code).toBe(3)
})

test('cservice config.json runs what the file says, and what is typed wins over it', async () => {
  const { runtime, start, run, ask, file, write, port } = await servicePlace()
  write(
    'config.json',
    `{
      // comments are fine, and so is a path relative to this file
      "workers": { "web": { "worker": "server.mjs", "cwd": ${JSON.stringify(runtime)}, "count": 1, "COLOUR": "blue" } },
      "accessKey": "0123", "port": 1, "acessKey": "",
    }`,
  )
  const service = start([file('config.json'), '--json'])
  await service.until('stdout', /\n/)
  await service.until('stderr', /acessKey: found an unknown key, allowed: perhaps accessKey/)
  expect(await ask()).toMatchObject({ cwd: runtime, colour: 'blue' })
  expect(await run(cservice, ['health', '--config', file('config.json')])).toMatchObject({ code: 0, stdout: 'OK\n' })
  expect((await run(cservice, ['shutdown', 'all'])).code).toBe(0)
  const finished = await service.finished
  expect(finished.code).toBe(0)
  expect(json(finished)).toMatchObject({
    pid: service.child.pid,
    rest: `http://localhost:${port}/cli`,
    workers: [{ state: 'ready' }],
  })
})

test('a command finds the service by the port that a configuration names', async () => {
  const { runWithoutPort, start, file, write, port } = await servicePlace()
  write('config.json', JSON.stringify({ port, workers: 'not-here.js' }))
  const health = () => runWithoutPort(cservice, ['--config', file('config.json'), 'health'])
  expect(await health()).toMatchObject({ code: 3, stderr: expect.stringContaining(`control port ${port}`) })
  await start([file('server.mjs'), '--workerCount=1']).until('stdout', running)
  expect(await health()).toMatchObject({ code: 0, stdout: 'OK\n' })
})

test.each<[string[], number, RegExp]>([
  [['bad.js'], 1, /exited with code 3.*boom/s],
  [['nope.js'], 1, /Worker not found: '[^']*\/nope\.js'\. Set 'workers' option to proper path\./],
  [['server.mjs', '--workerCount', '0'], 2, /'workerCount': found 0, allowed: a whole number from 1 to 1024/],
  [['server.mjs', '--workerUid', 'no-such-user'], 1, /There is no user "no-such-user"/],
  [['nope.json'], 1, /There is no file/],
  [['server.mjs', 'other.js'], 2, /started with one file/],
])('%j ends with exit code %i and the reason, and nothing is left', async ([name = '', ...rest], code, reason) => {
  const { run, file } = await servicePlace()
  expect(await run(cservice, [file(name), ...rest])).toMatchObject({
    code,
    stdout: '',
    stderr: expect.stringMatching(reason),
  })
  expect((await run(cservice, ['workers'])).code).toBe(3)
})

test('a second service on the control port is refused when there is no terminal', async () => {
  const { start, run, file } = await servicePlace()
  const first = start([file('server.mjs'), '--workerCount=1'])
  await first.until('stdout', running)
  expect(await run(cservice, [file('server.mjs'), '--json'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('"ALREADY_RUNNING"'),
  })
  expect((await run(cservice, ['health'])).code).toBe(0)
})

test('a proxy and workers run in one service', async () => {
  const { start, file, write } = await servicePlace()
  const bindingPort = await freePort()
  write('proxy.json', JSON.stringify({ bindings: [{ port: bindingPort, host: '127.0.0.1', workerCount: 1 }] }))
  const service = start([file('server.mjs'), '--worker-count=1', '--proxy', file('proxy.json')])
  const greeting = await service.until('stdout', running)
  expect(greeting).toContain('1 worker of server.mjs')
  expect(greeting).toContain(`http://127.0.0.1:${bindingPort}/`)
})

test('cserviced runs a worker file in the background with all options, of which secrets are in no argument', async () => {
  const { run, ask, file, extra, port } = await servicePlace()
  const typed = [file('server.mjs'), '--workerCount=1', '--access-key', 'SECRET', '--silent', '--', '-v']
  const { code, stdout, stderr } = await run(cserviced, typed, extra)
  expect([code, stderr]).toEqual([0, ''])
  expect(await ask()).toMatchObject({ args: ['-v'] })
  expect((await ask()).key).toBeUndefined()
  const commandLine = readFileSync(`/proc/${Number(stdout)}/cmdline`, 'utf8')
  expect(commandLine).toContain('--silent=true')
  expect(commandLine).not.toContain('SECRET')
  const res = await fetch(`http://localhost:${port}/cli?cmd=health`, {
    method: 'POST',
    headers: { authorization: 'Bearer SECRET' },
  })
  expect(res.status).toBe(200)
})

test('cserviced keeps pid file and log where the control port of the configuration says', async () => {
  const { runtime, port, runWithoutPort, file, write, extra } = await servicePlace()
  write('config.json', JSON.stringify({ port, workers: { web: { worker: 'server.mjs', count: 1 } } }))
  const { code, stdout } = await runWithoutPort(cserviced, [file('config.json')], extra)
  expect(code).toBe(0)
  expect(readFileSync(join(runtime, 'cservice', String(port), 'cservice.pid'), 'utf8')).toBe(stdout)
  expect(existsSync(join(runtime, 'cservice', '11987'))).toBe(false)
})

test('cserviced tells why a worker file cannot be started, with the last lines of its output', async () => {
  const { run, file } = await servicePlace()
  const failed = await run(cserviced, [file('bad.js'), '--workerCount=1'])
  expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/exited with code 3.*boom/s) })
  expect((await run(cservice, ['workers'])).code).toBe(3)
})
