import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cservice, daemon, place } from './programs.ts'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A place where what `cserviced` leaves behind is ended with the test. */
async function daemonPlace() {
  const it = await place()
  onTestFinished(async () => void (await it.run(cservice, ['shutdown', 'all'])))
  return it
}

test('it waits until the service is ready, prints its pid, and leaves it running with pid file and log', async () => {
  const { run, directory } = await daemonPlace()
  const { code, stdout, stderr } = await run(daemon, ['proxy', 'start', 'proxy.json', '--logLevel', 'debug'])
  expect([code, stderr]).toEqual([0, ''])
  const pid = Number(stdout)
  expect(isAlive(pid)).toBe(true)
  expect(readFileSync(join(directory, 'cservice.pid'), 'utf8')).toBe(`${pid}\n`)
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(0)
  expect(readFileSync(join(directory, 'cservice.log'), 'utf8')).toContain('"command"')
  expect((await run(cservice, ['shutdown', 'all'])).code).toBe(0)
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  expect(existsSync(join(directory, 'cservice.pid'))).toBe(false)
})

test('pid file and log file can be chosen, and the log is appended', async () => {
  const { run, runtime } = await daemonPlace()
  const [pidFile, logFile] = [join(runtime, 'my.pid'), join(runtime, 'my.log')]
  writeFileSync(logFile, 'before\n')
  const { stdout } = await run(daemon, [
    'proxy',
    'start',
    'proxy.json',
    '--json',
    '--pidFile',
    pidFile,
    '--log-file',
    logFile,
    '--accessKey',
    'k',
  ])
  const { pid } = JSON.parse(stdout)
  expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`)
  expect(readFileSync(logFile, 'utf8')).toMatch(/^before\n.*REST listens/)
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('accessKey')
})

test.each([
  ['fail.json', 1, 'Cannot read', 'line of the worker'],
  ['exit.json', 1, 'ended before it was ready (exit code 9)', ''],
])(
  'a service that cannot start (%s) is explained with the last lines of its log, and nothing is left',
  async (file, code, message, line) => {
    const { run, directory } = await daemonPlace()
    const failed = await run(daemon, ['proxy', 'start', file])
    expect(failed).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
    expect(failed.stderr).toContain(line)
    expect((await run(cservice, ['proxy', 'info'])).code).toBe(3)
    expect(existsSync(join(directory, 'cservice.pid'))).toBe(false)
  },
)

test('a service that is not ready in time is ended', async () => {
  const { run } = await daemonPlace()
  expect(await run(daemon, ['proxy', 'start', 'slow.json', '--timeout', '1500'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('1500 ms'),
  })
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(3)
})

test.each(['SIGINT', 'SIGKILL'] as const)(
  'when cserviced is ended by %s before the service is ready, the service ends too',
  async (signal) => {
    const { run, start, directory } = await daemonPlace()
    const launcher = start(daemon, ['proxy', 'start', 'slow.json'])
    await expect.poll(() => existsSync(join(directory, 'cservice.pid')), { timeout: 20_000 }).toBe(true)
    const pid = Number(readFileSync(join(directory, 'cservice.pid'), 'utf8'))
    launcher.child.kill(signal)
    expect((await launcher.finished).code).not.toBe(0)
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
    expect((await run(cservice, ['proxy', 'info'])).code).toBe(3)
  },
)

test('a second service on the same control port is refused, and the first goes on', async () => {
  const { run } = await daemonPlace()
  const first = await run(daemon, ['proxy', 'start', 'proxy.json'])
  const second = await run(daemon, ['proxy', 'start', 'proxy.json', '--json'])
  expect(second.code).toBe(1)
  expect(JSON.parse(second.stdout)).toMatchObject({
    error: { code: 'ALREADY_RUNNING', message: expect.stringContaining(first.stdout.trim()) },
  })
  expect((await run(cservice, ['proxy', 'info'])).code).toBe(0)
})

test.each([[['proxy', 'info']], [[]], [['proxy', 'start']]])('cserviced %j is wrong usage', async (argv) => {
  const { run } = await place()
  expect(await run(daemon, argv)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cserviced proxy start proxy.json'),
  })
})
