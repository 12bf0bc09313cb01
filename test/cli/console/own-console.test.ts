import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-ports.ts'
import { isAlive } from '../../support/processes.ts'
import { keys, Terminal, type TerminalOptions } from '../../support/pty.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { versionFolder } from '../../support/version-folder.ts'

const own = fileURLToPath(new URL('./fixtures/own.mjs', import.meta.url))

interface OwnOptions extends Pick<TerminalOptions, 'columns'> {
  readonly state?: string
  readonly words?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** A service on a terminal of its own, when its prompt is there. */
async function openService({ state, words = [], columns = 80, env = {} }: OwnOptions = {}) {
  const folder = temporaryFolder()
  const terminal = new Terminal(process.execPath, [own, String(await freePort()), ...words], {
    columns,
    env: {
      ...process.env,
      NO_COLOR: '1',
      XDG_RUNTIME_DIR: folder,
      TMPDIR: folder,
      XDG_STATE_HOME: state ?? folder,
      ...env,
    },
  })
  const pid = Number((await terminal.sees(/^pid (\d+)$/m))[1])
  await terminal.showsPrompt()
  return { terminal, pid }
}

/** Types one key after the other, as a person does. */
function typeSlowly(terminal: Terminal, text: string): void {
  for (const character of text) terminal.type(character)
}

test('a line is answered, and the prompt is there again', async () => {
  const { terminal } = await openService()
  expect(terminal.screen.text).toContain("CLI is now available. Enter 'help [enter]' for instructions.")
  typeSlowly(terminal, 'health\r')
  await terminal.sees(/^cservice> health\nOK\ncservice>$/m)
  await terminal.showsPrompt()
})

test('an error says what is wrong and what to do, and an empty line says nothing', async () => {
  const { terminal } = await openService()
  terminal.type('\r  \rhaelth\r')
  await terminal.sees(
    /^cservice>\ncservice>\ncservice> haelth\nError: No such command: haelth\nDid you mean "health"\?/m,
  )
})

test('Tab completes a command, a second word, and lists what there is when nothing is sure', async () => {
  const { terminal } = await openService()
  terminal.type(`hea${keys.tab}`)
  await terminal.showsPrompt('health ')
  terminal.type(keys.controlC)
  await terminal.showsPrompt()
  terminal.type(`workers d${keys.tab}`)
  await terminal.showsPrompt('workers details ')
  terminal.type(keys.controlC)
  await terminal.showsPrompt()
  terminal.type(`he${keys.tab}`)
  await terminal.showsPrompt('he')
  terminal.type(keys.tab)
  await terminal.sees(/^health +help/m)
  await terminal.showsPrompt('he')
})

test('Tab completes pids, versions and files of the service', async () => {
  const folder = await versionFolder({ stable: 'http', second: 'http' })
  const { terminal } = await openService({ words: [folder.config] })
  terminal.type(`shutdown ${keys.tab}`)
  await terminal.showsPrompt('shutdown ')
  terminal.type(keys.tab)
  const [, pid = ''] = await terminal.sees(/^all +(\d+)/m)
  terminal.type(pid.slice(0, -1) + keys.tab)
  await terminal.until('the pid', () => (terminal.screen.beforeCursor.includes(pid.slice(0, -1)) ? true : null))
  terminal.type(keys.controlC)
  await terminal.showsPrompt()
  terminal.type(`proxy promote st${keys.tab}`)
  await terminal.showsPrompt('proxy promote stable ')
  terminal.type(keys.controlC)
  await terminal.showsPrompt()
  terminal.type(`proxy start ${folder.path}/pr${keys.tab}`)
  await terminal.until('the file', () =>
    terminal.screen.text.replaceAll('\n', '').includes('/proxy.json') ? true : null,
  )
  terminal.type(keys.controlC)
  terminal.type('shutdown all\r')
  expect(await terminal.exited()).toBe(0)
})

test.each([
  ['as they are', 'version\rhealth\nexit\r\n'],
  ['by a terminal that marks what is pasted', keys.pasted('version\nhealth\nexit\n')],
])('three lines that are pasted %s are three commands, answered in order', async (_how, text) => {
  const { terminal } = await openService()
  terminal.type(text)
  await terminal.sees(
    /> version\n\d+\.\d+\.\d+\S*\n> health\nOK\n> exit\nError: Invalid request, 'now' required\. Try help exit\n/,
  )
  await terminal.showsPrompt()
})

test('pasted lines wait for each other, and the last one for Enter', async () => {
  const { terminal } = await openService()
  terminal.type(keys.pasted('slow\nversion\nhealth'))
  await terminal.showsPrompt('health')
  terminal.type(keys.enter)
  await terminal.sees(/^cservice> health\n/m)
  terminal.type('finish\r')
  await terminal.sees(/> slow\n2 workers restarted successfully\n> version\n\S+\n> health\nOK\n/)
})

test('while a command runs its progress is shown, and others are answered at once', async () => {
  const { terminal } = await openService()
  terminal.type('slow\r')
  await terminal.sees(/^1 of 2 workers restarted\ncservice>$/m)
  await terminal.showsPrompt()
  terminal.type('health\r')
  await terminal.sees(/^cservice> health\n> health\nOK\n1 of 2 workers restarted\ncservice>$/m)
  terminal.type('finish\r')
  await terminal.sees(/^> slow\n2 workers restarted successfully\n/m)
  await terminal.until('the end of the progress', () =>
    terminal.screen.text.includes('1 of 2 workers restarted') ? null : true,
  )
  await terminal.showsPrompt()
})

test('lines of the log and of workers leave the line that is being typed as it is, of several rows too', async () => {
  const { terminal, pid } = await openService({ columns: 40 })
  const typed = `workers ${'x'.repeat(60)}`
  terminal.type(typed + keys.left)
  const wrapped = `cservice> ${typed}`.slice(0, 40)
  await terminal.sees(new RegExp(`${wrapped}\n${'x'.repeat(38)}$`))
  for (const count of [1, 2, 3]) {
    process.kill(pid, 'SIGUSR2')
    await terminal.until(`${count} lines`, () => (matches(terminal, /a line of a worker/g) === count ? true : null))
    await terminal.sees(new RegExp(`a line of the log\na line of a worker\n${wrapped}\n${'x'.repeat(38)}$`))
  }
  expect(matches(terminal, /cservice> workers/g)).toBe(1)
})

test('when the size of the terminal changes, what is typed is drawn anew', async () => {
  const { terminal } = await openService({ columns: 80 })
  terminal.type('workers in a rather long line of words')
  await terminal.showsPrompt('workers in a rather long line of words')
  terminal.resize(30, 20)
  await terminal.sees(/^cservice> workers in a rather\nlong line of words$/m)
  terminal.resize(100, 30)
  await terminal.sees(/^cservice> workers in a rather long line of words$/m)
  terminal.type('\x15health\r')
  await terminal.sees(/^cservice> health\nOK/m)
})

test('Ctrl-C clears what is typed, tells of a command that runs, and then stops the service; a second one is a signal', async () => {
  const { terminal } = await openService()
  terminal.type('half a li')
  await terminal.showsPrompt('half a li')
  terminal.type(keys.controlC)
  await terminal.showsPrompt()
  terminal.type('slow\r')
  await terminal.sees(/^1 of 2 workers restarted$/m)
  terminal.type(keys.controlC)
  await terminal.sees(/^"slow" goes on\. Ctrl-C again stops the service; 'exit now' ends it at once\.$/m)
  terminal.type('health\r')
  await terminal.sees(/^OK$/m)
  terminal.type(keys.controlC)
  await terminal.until('the message again', () => (matches(terminal, /"slow" goes on/g) === 2 ? true : null))
  terminal.type(keys.controlC)
  await terminal.sees(/console: interrupt\ninterrupt 1/)
  expect(await terminal.exited()).toBe(0)
})

test('Ctrl-D closes the console only, and Ctrl-C is a signal again', async () => {
  const { terminal, pid } = await openService()
  terminal.type(keys.controlD)
  await terminal.sees(/^The console is closed; the service goes on\. Ctrl-C stops it gracefully\.\nconsole: left$/m)
  expect(isAlive(pid)).toBe(true)
  expect(matches(terminal, /The console is closed/g)).toBe(1)
  process.kill(pid, 'SIGUSR2')
  await terminal.sees(/a line of a worker/)
  terminal.type(keys.controlC)
  await terminal.sees(/interrupt 1/)
  expect(await terminal.exited()).toBe(0)
})

test('exit and quit say how the service is stopped, exit now stops it', async () => {
  const { terminal } = await openService()
  for (const word of ['exit', 'quit']) {
    terminal.type(`${word}\r`)
    await terminal.sees(
      new RegExp(
        `^cservice> ${word}\nError: Invalid request, 'now' required\\. Try help exit\n'shutdown all' stops`,
        'm',
      ),
    )
  }
  terminal.type('slow\r')
  await terminal.sees(/^1 of 2 workers restarted$/m)
  terminal.type('exit now\r')
  await terminal.sees(/^Exiting now\.$/m)
  expect(await terminal.exited()).toBe(0)
  expect(terminal.output.trimEnd().endsWith('\x1b[?2004l')).toBe(true)
})

test('shutdown all ends the service and gives the terminal back', async () => {
  const { terminal } = await openService()
  terminal.type('shutdown all\r')
  await terminal.sees(/^Shutting down\.\.\.$/m)
  expect(await terminal.exited()).toBe(0)
  expect(terminal.output).toContain('\x1b[?2004l')
})

test('clear leaves the prompt on an empty screen', async () => {
  const { terminal } = await openService()
  terminal.type('health\r')
  await terminal.sees(/^OK$/m)
  terminal.type('clear\r')
  await terminal.until('an empty screen', () => (terminal.screen.text.trim() === 'cservice>' ? true : null))
})

test('the history goes on in the next session, without repeats and without lines that begin with a space', async () => {
  const state = temporaryFolder()
  const first = await openService({ state })
  for (const line of ['version', 'health', 'health', ' workers']) {
    first.terminal.type(`${line}\r`)
    await first.terminal.until('the prompt', () => (first.terminal.screen.beforeCursor === 'cservice> ' ? true : null))
  }
  first.terminal.type('shutdown all\r')
  expect(await first.terminal.exited()).toBe(0)
  const file = join(state, 'cservice', 'history')
  expect(readFileSync(file, 'utf8')).toBe('version\nhealth\nshutdown all\n')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const { terminal } = await openService({ state })
  for (const line of ['shutdown all', 'health', 'version']) {
    terminal.type(keys.up)
    await terminal.showsPrompt(line)
  }
})

test('a history that cannot be kept is no reason to say anything', async () => {
  const { terminal } = await openService({ state: '/dev/null' })
  terminal.type('health\r')
  await terminal.sees(/^OK\ncservice>$/m)
})

test('a very long line, control characters and bytes that are no text break nothing', async () => {
  const { terminal } = await openService()
  terminal.type(`${'x'.repeat(100_000)}\r`)
  await terminal.sees(/The line is too long \(more than 16384 characters\); it was not run\./)
  terminal.type(Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28, 0x00, 0x01, 0x02, 0x0d]))
  await terminal.sees(/Error: No such command/)
  terminal.type('\x1b[200')
  terminal.type('~health\x1b[A\x00\n\x1b[2')
  terminal.type('01~')
  await terminal.sees(/^OK\n/m)
  await terminal.until('a prompt', () => (terminal.screen.beforeCursor.startsWith('cservice> ') ? true : null))
})

test('ten thousand lines that are pasted are ten thousand answers', async () => {
  const { terminal } = await openService()
  terminal.type(keys.pasted('health\n'.repeat(9_999)))
  terminal.type('version\r')
  const answered = () => terminal.output.match(/^OK\r?$/gm)?.length
  await terminal.until('all answers', () => (answered() === 9_999 ? true : null))
  await terminal.showsPrompt()
})

test('Ctrl-Z stops the service as it stops any program, and fg brings the prompt back with what was typed', async () => {
  const folder = temporaryFolder()
  const env = {
    ...process.env,
    NO_COLOR: '1',
    XDG_RUNTIME_DIR: folder,
    TMPDIR: folder,
    XDG_STATE_HOME: folder,
    PS1: '$ ',
  }
  const terminal = new Terminal('bash', ['--norc', '--noprofile', '-i'], { env })
  await terminal.sees(/[#$]$/)
  terminal.type(`'${process.execPath}' '${own}' ${await freePort()}\n`)
  await terminal.sees(/^cservice>$/m)
  await terminal.showsPrompt()
  terminal.type('hea')
  await terminal.showsPrompt('hea')
  terminal.type(keys.controlZ)
  await terminal.sees(/Stopped/)
  terminal.type('fg\n')
  await terminal.showsPrompt('hea')
  terminal.type('lth\r')
  await terminal.sees(/^OK$/m)
  terminal.type('shutdown all\r')
  await terminal.sees(/Shutting down[\s\S]*[#$]$/)
  terminal.type('exit 7\n')
  expect(await terminal.exited()).toBe(7)
})

test('a service whose answers go to a file does not read from its terminal', async () => {
  const folder = temporaryFolder()
  const env = { ...process.env, XDG_RUNTIME_DIR: folder, TMPDIR: folder, XDG_STATE_HOME: folder }
  const line = `exec '${process.execPath}' '${own}' ${await freePort()} > '${folder}/answers'`
  const terminal = new Terminal('sh', ['-c', line], { env })
  await eventually('a service', () => /^pid/m.test(readFileSync(`${folder}/answers`, 'utf8')))
  terminal.type(`version\r${keys.controlC}`)
  expect(await terminal.exited()).toBe(0)
  expect(readFileSync(`${folder}/answers`, 'utf8')).not.toMatch(/^\d+\.\d+\.\d+/m)
})

test('a service that is started in the background leaves the terminal alone until it gets it', async () => {
  const folder = temporaryFolder()
  const env = {
    ...process.env,
    NO_COLOR: '1',
    XDG_RUNTIME_DIR: folder,
    TMPDIR: folder,
    XDG_STATE_HOME: folder,
    PS1: '$ ',
  }
  const terminal = new Terminal('bash', ['--norc', '--noprofile', '-i'], { env })
  await terminal.sees(/[#$]$/)
  terminal.type(`'${process.execPath}' '${own}' ${await freePort()} &\n`)
  await terminal.sees(/^pid \d+$/m)
  expect(terminal.screen.text).not.toContain('cservice> ')
  terminal.type('fg\n')
  await terminal.showsPrompt()
  terminal.type('shutdown all\r')
  await terminal.sees(/Shutting down[\s\S]*[#$]$/)
})

function matches(terminal: Terminal, pattern: RegExp): number {
  return terminal.screen.text.match(pattern)?.length ?? 0
}
