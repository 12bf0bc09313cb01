import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { keys, Terminal } from '../../support/pty.ts'
import { run } from '../../support/run.ts'
import { startGateway } from '../../support/start-gateway.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { versionFolder } from '../../support/version-folder.ts'
import { gateway as gatewayFixture, place } from '../programs.ts'

const attach = fileURLToPath(new URL('./fixtures/attach.mjs', import.meta.url))

/** A service without a terminal, whose `proxy start slow.json` never ends, and what attaches to it. */
async function startService() {
  const { port, runtime, start, run: runProgram } = await place()
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime, TMPDIR: runtime, XDG_STATE_HOME: runtime, NO_COLOR: '1' }
  const service = start(gatewayFixture, ['proxy', 'start', 'proxy.json'])
  await service.until('stdout', /Ctrl-C stops it/)
  const words = [attach, `--port=${port}`]
  const openTerminal = async () => {
    const terminal = new Terminal(process.execPath, words, { env, columns: 120 })
    await terminal.showsPrompt()
    return terminal
  }
  const pipe = (input: string, ...more: string[]) => run(process.execPath, [...words, ...more], { env, input })
  return { service, openTerminal, pipe, words, env, runProgram }
}

test('a console attaches to a service that runs, and leaves it running', async () => {
  const { openTerminal, service } = await startService()
  for (const leave of ['exit\r', 'exit now\r', 'quit\r', keys.controlC, keys.controlD]) {
    const terminal = await openTerminal()
    expect(terminal.screen.text).toContain('Service already running. Attached CLI to master service.')
    terminal.type('version\r')
    await terminal.sees(/^cservice> version\n\d+\.\d+\.\d+/m)
    terminal.type(leave)
    await terminal.sees(/^Exiting CLI ONLY\.$/m)
    expect(await terminal.exited()).toBe(0)
  }
  expect(service.child.exitCode).toBeNull()
})

test('a command that runs does not lock an attached console, and goes on when it is left', async () => {
  const { openTerminal, pipe } = await startService()
  const terminal = await openTerminal()
  terminal.type('proxy start slow.json\r')
  await terminal.sees(/^cservice> proxy start slow\.json\n/m)
  await terminal.showsPrompt()
  terminal.type('version\r')
  await terminal.sees(/^> version\n\d+\.\d+\.\d+/m)
  terminal.type(keys.controlC)
  await terminal.sees(
    /^"proxy start slow\.json" goes on\. Ctrl-C again leaves this console; 'shutdown all' stops the service\.$/m,
  )
  terminal.type(keys.controlC)
  expect(await terminal.exited()).toBe(0)
  expect(await pipe('version\n')).toMatchObject({ code: 0 })
})

test('an attached console says that the service has ended, and ends', async () => {
  const { openTerminal, service } = await startService()
  const [asked, unasked] = [await openTerminal(), await openTerminal()]
  asked.type('shutdown all\r')
  for (const terminal of [asked, unasked]) await terminal.sees(/^The service has ended\.$/m)
  expect(await asked.exited()).toBe(0)
  expect(await unasked.exited()).toBe(3)
  expect(await service.finished).toMatchObject({ code: 0 })
})

test('when its terminal goes away an attached console ends, and the service goes on', async () => {
  const { openTerminal, pipe } = await startService()
  const terminal = await openTerminal()
  terminal.type('shutdown all')
  await terminal.showsPrompt('shutdown all')
  terminal.hangUp()
  await terminal.exited()
  expect(await pipe('version\n')).toMatchObject({ code: 0 })
})

test('where no service runs there is nothing to attach to', async () => {
  const { port, runtime } = await place()
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime, TMPDIR: runtime, NO_COLOR: '1' }
  const terminal = new Terminal(process.execPath, [attach, `--port=${port}`], { env })
  expect(await terminal.exited()).toBe(3)
  expect(terminal.screen.text).toContain('cservice: No gateway answers')
})

test('lines from a pipe are commands: answers on stdout, no prompt, no echo, the exit code of the last failure', async () => {
  const { pipe } = await startService()
  const version = /^\d+\.\d+\.\d+\S*\n/
  expect(await pipe('version\n\n  \r\nhelp nope')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`${version.source}[^>]*Command not found`)),
    stderr: '',
  })
  const failed = await pipe('nope\nfail\nversion\n')
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(version) })
  expect(failed.stderr).toMatch(/^Error: No such command: nope\n[\s\S]*Error: v2 did not become ready\n/)
  expect(await pipe('fail\nexit\nversion\n')).toMatchObject({ code: 1, stdout: 'Exiting CLI ONLY.\n' })
  expect(await pipe('')).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

test('with --json each line of a pipe is answered with one JSON value', async () => {
  const { pipe } = await startService()
  const { stdout, stderr, code } = await pipe('version\nnope\nproxy version 7\n', '--json')
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([expect.any(String), { error: expect.objectContaining({ code: 'UNKNOWN_COMMAND' }) }, ['version', '7']])
  expect([stderr, code]).toEqual(['', 2])
})

test('a pipe may carry a line that is too long, and bytes that are no text', async () => {
  const { pipe } = await startService()
  const { stdout, stderr, code } = await pipe(`${'x'.repeat(3 * 1024 * 1024)}\n\u0000\u001b[2J\nversion\n`)
  expect({ stdout, code }).toEqual({ stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/), code: 2 })
  expect(stderr).toMatch(/^Error: The line is too long/)
  expect(stderr).toMatch(/Error: No such command/)
})

test('a pipe that stays open runs each line as it comes', async () => {
  const { words, env } = await startService()
  const child = spawn(process.execPath, words, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  for (const line of ['ver', 'sion\n', 'version\n']) {
    const answer = line.endsWith('\n') ? new Promise((resolve) => child.stdout.once('data', resolve)) : null
    child.stdin.write(line)
    if (answer !== null) expect(String(await answer)).toMatch(/^\d+\.\d+\.\d+/)
  }
  child.stdin.end()
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
})

test('an attached console completes versions and pids of a real gateway', async () => {
  const folder = await versionFolder({ stable: 'http', second: 'http' })
  const gateway = await startGateway(folder)
  const env = { ...process.env, NO_COLOR: '1', XDG_STATE_HOME: temporaryFolder() }
  const terminal = new Terminal(process.execPath, [attach, `--port=${gateway.controlPort}`], { env, cwd: folder.path })
  await terminal.showsPrompt()
  terminal.type(`proxy pro${keys.tab}`)
  await terminal.showsPrompt('proxy promote ')
  terminal.type(`sec${keys.tab}`)
  await terminal.showsPrompt('proxy promote second ')
  terminal.type('1\r')
  await terminal.sees(/^version +second\nprevious +stable$/m)
  await terminal.showsPrompt()
  terminal.type(`shutdown a${keys.tab}`)
  await terminal.showsPrompt('shutdown all ')
  terminal.type(`${keys.controlC}proxy start pro${keys.tab}`)
  await terminal.showsPrompt('proxy start proxy.json ')
  terminal.type(`${keys.controlC}exit\r`)
  expect(await terminal.exited()).toBe(0)
})
