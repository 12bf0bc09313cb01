import net from 'node:net'
import { resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cservice, gateway, place } from './programs.ts'

const running = /Ctrl-C stops it/

/** The one JSON value that a program has printed. */
function onlyValue(stdout: string): unknown {
  expect(stdout.endsWith('\n')).toBe(true)
  expect(stdout.trimEnd()).not.toContain('\n')
  return JSON.parse(stdout)
}

test('wrong usage, no gateway, help: exit codes 2, 3, 0, and errors on stderr', async () => {
  const { run } = await place()
  expect(await run(cservice, [])).toMatchObject({ code: 2, stdout: '' })
  expect(await run(cservice, ['--prot', '1'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Did you mean --port?'),
  })
  expect(await run(cservice, ['prxoy', 'info'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean "proxy info"?'),
  })
  expect(await run(cservice, ['proxy', 'start'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('proxy start proxy.json'),
  })
  expect(await run(cservice, ['proxy', 'info'])).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringMatching(/^cservice: No gateway answers/),
  })
  for (const argv of [['--help'], ['help']]) {
    expect(await run(cservice, argv)).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('cservice proxy promote v3 4'),
    })
  }
  expect(await run(cservice, ['help', 'proxy'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Example: cservice proxy promote v3 4'),
  })
  expect(await run(cservice, ['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) })
})

test('--json prints exactly one JSON value and nothing else, also for wrong usage', async () => {
  const { run } = await place()
  for (const [argv, code, exit] of [
    [['proxy', 'info'], 'NO_GATEWAY', 3],
    [['--zzz'], 'UNKNOWN_OPTION', 2],
    [['--port', 'x'], 'BAD_USAGE', 2],
    [[], 'BAD_USAGE', 2],
  ] as const) {
    const { stdout, stderr, code: exitCode } = await run(cservice, ['--json', ...argv])
    expect(onlyValue(stdout)).toEqual({ error: { code, message: expect.any(String), hint: expect.any(String) } })
    expect([stderr, exitCode]).toEqual(['', exit])
  }
})

test('a gateway in the foreground greets, answers commands from a second terminal, and stops on SIGTERM with exit code 0', async () => {
  const { run, start } = await place()
  const service = start(gateway, ['proxy', 'start', 'proxy.json'])
  const greeting = await service.until('stdout', running)
  expect(greeting).toContain('http://localhost:8080/')
  expect(greeting).toContain("curl -H 'x-version: v2' http://localhost:8080/")

  expect(await run(cservice, ['proxy', 'info'])).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('v1 (live)'),
  })
  const json = await run(cservice, ['proxy', 'info', '--json'])
  expect(onlyValue(json.stdout)).toMatchObject({ liveVersion: 'v1' })
  expect(json.stderr).toBe('')
  expect(onlyValue((await run(cservice, ['--json', 'proxy', 'version', '7', '{"a b":"}"}'])).stdout)).toEqual([
    'version',
    '7',
    '{"a b":"}"}',
  ])
  expect(onlyValue((await run(cservice, ['--json', 'proxy version 7 "a b"'])).stdout)).toEqual(['version', '7', 'a b'])
  expect(onlyValue((await run(cservice, ['--json', '--run', 'version'])).stdout)).toMatch(/^\d/)
  expect(onlyValue((await run(cservice, ['--json', 'environment'])).stdout)).toBeNull()

  const failed = await run(cservice, ['fail'])
  expect(failed).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^cservice: v2 did not become ready/),
  })
  expect(failed.stderr).toContain('Error: boom')
  expect(failed.stderr).not.toContain('\u001b')
  const failedJson = await run(cservice, ['fail', '--json'])
  expect(failedJson.code).toBe(1)
  expect(onlyValue(failedJson.stdout)).toMatchObject({ error: { code: 'WORKER_FAILED', details: { exitCode: 7 } } })
  expect(await run(cservice, ['nope'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('No such command: nope'),
  })

  service.child.kill('SIGHUP') // no terminal, so it goes on
  expect((await run(cservice, ['version'])).code).toBe(0)
  service.child.kill('SIGTERM')
  expect((await service.finished).code).toBe(0)
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(3)
})

test('proxy start asks the gateway that runs, with the path made absolute', async () => {
  const { run, start } = await place()
  await start(gateway, ['proxy', 'start', 'proxy.json']).until('stdout', running)
  const { stdout, code } = await run(gateway, ['--json', 'proxy', 'start', 'other/proxy.json'])
  expect(code).toBe(0)
  expect(onlyValue(stdout)).toMatchObject({ path: resolve('other/proxy.json') })
})

test('with --json a gateway in the foreground prints its answer and nothing else until it ends', async () => {
  const { run, start } = await place()
  const service = start(gateway, ['--json', 'proxy', 'start', 'proxy.json'])
  await service.until('stdout', /\n/)
  expect(await run(cservice, ['shutdown', 'all'])).toMatchObject({ code: 0, stdout: 'Shutting down...\n' })
  const { code, stdout } = await service.finished
  expect(code).toBe(0)
  expect(onlyValue(stdout)).toMatchObject({ liveVersion: 'v1' })
})

test('a gateway that cannot start says why, exits 1 and leaves nothing that answers', async () => {
  const { run } = await place()
  expect(await run(gateway, ['proxy', 'start', 'fail.json'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('cservice: Cannot read'),
  })
  expect(onlyValue((await run(gateway, ['proxy', 'start', 'fail.json', '--json'])).stdout)).toMatchObject({
    error: { code: 'CONFIG_NOT_FOUND' },
  })
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(3)
})

test('a stop before the gateway is up is a stop, not a failure', async () => {
  const { start } = await place()
  const service = start(gateway, ['proxy', 'start', 'slow.json'])
  await service.until('stderr', /slow start/)
  service.child.kill('SIGINT')
  expect((await service.finished).code).toBe(0)
})

test('a second SIGINT ends a gateway at once', async () => {
  const { start } = await place()
  const service = start(gateway, ['proxy', 'start', 'proxy.json'], { TEST_HANG_ON_STOP: '1' })
  await service.until('stdout', running)
  service.child.kill('SIGINT')
  const again = setInterval(() => service.child.kill('SIGINT'), 50)
  onTestFinished(() => clearInterval(again))
  expect((await service.finished).code).toBe(130)
})

test('after kill -9 the next gateway starts over the stale lock and socket', async () => {
  const { run, start } = await place()
  const first = start(gateway, ['proxy', 'start', 'proxy.json'])
  await first.until('stdout', running)
  first.child.kill('SIGKILL')
  await first.finished
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(3)
  const second = start(gateway, ['proxy', 'start', 'proxy.json'])
  await second.until('stdout', running)
  await second.until('stderr', /stale lock/)
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(0)
})

test('two gateways on two control ports keep apart', async () => {
  const [one, other] = [await place(), await place()]
  const extra = { XDG_RUNTIME_DIR: one.runtime }
  const first = one.start(gateway, ['proxy', 'start', 'proxy.json'])
  await first.until('stdout', running)
  await other.start(gateway, ['proxy', 'start', 'proxy.json'], extra).until('stdout', running)
  expect((await other.run(cservice, ['shutdown', 'all'], extra)).code).toBe(0)
  expect((await one.run(cservice, ['proxy', 'info'])).code).toBe(0)
})

test('with an access key another user comes in by REST, with the right key only; workers do not inherit it', async () => {
  const { port, run, start } = await place()
  await start(gateway, ['proxy', 'start', 'proxy.json'], { CSERVICE_ACCESS_KEY: '0123' }).until('stdout', running)
  const stranger = await place()
  const ask = (...argv: string[]) => stranger.run(cservice, ['--cs.port', String(port), ...argv])
  expect((await ask('version', '--accessKey', '0123')).code).toBe(0)
  expect((await ask('version', '--accessKey', '123')).code).toBe(4)
  expect((await ask('version')).code).toBe(4)
  expect(onlyValue((await run(cservice, ['environment', '--json'])).stdout)).toBeNull()
})

test('a foreign listener on the control port does not get the key, and is PORT_TAKEN for a gateway that wants REST', async () => {
  const { port, run } = await place()
  let received = ''
  const foreign = net.createServer((socket) => {
    socket.on('data', (chunk) => {
      received += chunk
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK')
    })
  })
  await new Promise<void>((done) => foreign.listen(port, 'localhost', done))
  onTestFinished(() => void foreign.close())
  expect(await run(cservice, ['info', '--accessKey', 'SECRET'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('not a gateway'),
  })
  expect(await run(gateway, ['proxy', 'start', 'x.json', '--accessKey', 'SECRET'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`localhost:${port}`),
  })
  expect(received).toContain('GET /cservice')
  expect(received).not.toContain('SECRET')
})
