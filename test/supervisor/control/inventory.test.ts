import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCommand } from '../../../src/supervisor/commands/exit.ts'
import { healthCommand } from '../../../src/supervisor/commands/health.ts'
import { helpCommand } from '../../../src/supervisor/commands/help.ts'
import { localsCommand } from '../../../src/supervisor/commands/locals.ts'
import { optionsCommand } from '../../../src/supervisor/commands/options.ts'
import { workerExitCommand, workerStartCommand } from '../../../src/supervisor/commands/worker-notices.ts'
import { AccessKeys, isAllowed } from '../../../src/supervisor/control/access.ts'
import { sendCommand } from '../../../src/supervisor/control/client.ts'
import type { AccessLevel, Caller, Command } from '../../../src/supervisor/control/command.ts'
import { parseCommandLine } from '../../../src/supervisor/control/command-line.ts'
import { type CommandFunction, customCommand } from '../../../src/supervisor/control/custom-command.ts'
import { loadCommands } from '../../../src/supervisor/control/load-commands.ts'
import { request } from './request.ts'
import { command, registryOf, registryThatSays, setEnvironment, temporaryDirectory } from './resources.ts'
import { openControl } from './server.ts'

// What the tests of cluster-service 2.1.4 held (LEGACY 8), a test for each row, in our words.

const surroundings = { service: null, locals: null }
const inproc: Caller = { level: 'inproc', name: 'test' }
const remote: Caller = { level: 'remote', name: '192.0.2.1' }

describe('control.js', () => {
  const levels: AccessLevel[] = ['remote', 'local', 'inproc']
  const registry = () => registryOf(command('test', async () => 'ran'))
  const mayRun = (accessKey: string, key: string, name: string, caller: Caller, level: AccessLevel = 'remote') => {
    const table = registryOf(command(name, async () => 'ran', { level }))
    const rights = new AccessKeys(accessKey).find(key)
    return rights !== null && table.mayRun(name, caller, rights)
  }

  test('there are the levels inproc, local and remote', () => {
    for (const level of levels) expect(isAllowed('inproc', level)).toBe(true)
  })

  test('each is above the next: inproc, local, remote', () => {
    const callers = ['remote', 'local'] as const
    const allowed = callers.map((caller) => levels.filter((level) => isAllowed(caller, level)))
    expect(allowed).toEqual([['remote'], ['remote', 'local']])
  })

  test('levels are set by name', () => {
    const table = registry()
    table.setLevels({ test: 'local' })
    expect(table.levelOf('test')).toBe('local')
  })

  test('a level that does not exist is refused', () => {
    expect(() => registry().setLevels({ test: 'nope' })).toThrow('nope is not a valid control level.')
  })

  test('levels are added to those that there are', () => {
    const table = registry()
    table.setLevels({ one: 'local' })
    table.setLevels({ two: 'inproc' })
    expect([table.levelOf('one'), table.levelOf('two')]).toEqual(['local', 'inproc'])
  })

  test('a later level goes before an earlier one', () => {
    const table = registry()
    table.setLevels({ one: 'local' })
    table.setLevels({ one: 'inproc' })
    expect(table.levelOf('one')).toBe('inproc')
  })

  test('a caller of exactly the level is let in', () => {
    const table = registryOf(command('test', async () => 'ran', { level: 'local' }))
    expect(table.mayRun('test', { level: 'local', name: 'test' })).toBe(true)
  })

  test('code in the process is let in where local is asked for', () => {
    const table = registryOf(command('test', async () => 'ran', { level: 'local' }))
    expect(table.mayRun('test', inproc)).toBe(true)
  })

  test('a command without a level is remote', () => {
    const own = customCommand('own', (_, callback) => callback(), surroundings)
    expect(registryOf(own).mayRun('own', remote)).toBe(true)
  })

  test('a key without a word on the command leaves it at its level: not let in', () => {
    expect(mayRun('abc[other:remote]', 'abc', 'test', remote, 'local')).toBe(false)
  })

  test('a key without a word on the command leaves it at its level: let in', () => {
    expect(mayRun('abc[other:local]', 'abc', 'test', remote)).toBe(true)
  })

  test('a key that is disabled lets nobody in', () => {
    expect(mayRun('abc:disabled', 'abc', 'test', remote)).toBe(false)
    expect(mayRun('abc[test:remote]:disabled', 'abc', 'test', remote)).toBe(false)
  })

  test('a key that is found lets its holder in', () => {
    expect(mayRun('abc', 'abc', 'test', remote)).toBe(true)
  })

  test('special rights keep out', () => {
    expect(mayRun('abc[test:inproc]', 'abc', 'test', remote)).toBe(false)
    expect(mayRun('abc[test:disabled]', 'abc', 'test', remote)).toBe(false)
    expect(mayRun('abc[test:false]', 'abc', 'test', remote)).toBe(false)
  })

  test('special rights let in', () => {
    expect(mayRun('abc[test:remote]', 'abc', 'test', remote, 'local')).toBe(true)
  })
})

describe('server-rest.js', () => {
  const bearer = { authorization: 'Bearer KEY' }
  const open = (...commands: Command[]) =>
    openControl([
      healthCommand(async () => []),
      command('disabledCmd', async () => 'no', { level: 'disabled' }),
      ...commands,
    ])
  const path = (cmd: string) => `/cli?cmd=${encodeURIComponent(cmd)}`

  test('health is answered', async () => {
    const { port } = await open()
    expect((await request(port, { path: path('health'), headers: bearer })).text).toBe('"OK"')
  })

  test('a bad command is not found', async () => {
    const { port } = await open()
    expect((await request(port, { path: path('nope'), headers: bearer })).text).toBe('Not found. Try /help')
  })

  test('a command is run by a client', async () => {
    const { port } = await open()
    setEnvironment({ XDG_RUNTIME_DIR: temporaryDirectory(), TMPDIR: temporaryDirectory() })
    expect(await sendCommand('health', { port, host: '127.0.0.1', accessKey: 'KEY' })).toBe('OK')
  })

  test('a command that is disabled is refused', async () => {
    const { port } = await open()
    const answer = await request(port, { path: path('disabledCmd'), headers: bearer })
    expect([answer.status, answer.text]).toEqual([401, "Not authorized to execute 'disabledCmd' remotely"])
  })

  test('a bad key is refused', async () => {
    const { port } = await open()
    const answer = await request(port, { path: `${path('health')}&accessKey=bad` })
    expect([answer.status, answer.text]).toEqual([401, 'Not authorized'])
  })

  test('another method is refused, unless allowHttpGet allows every one', async () => {
    const { port } = await open()
    const get = { method: 'GET', path: path('health'), headers: bearer }
    expect(await request(port, get)).toMatchObject({ status: 405, text: 'Method Not Allowed' })
    const { port: open2 } = await openControl([healthCommand(async () => [])], { allowHttpGet: true })
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'])
      expect(await request(open2, { ...get, method })).toMatchObject({ status: 200, text: '"OK"' })
    expect((await request(open2, { ...get, method: 'HEAD' })).status).toBe(200)
    const ofPage = { ...get, headers: { ...bearer, 'sec-fetch-site': 'cross-site' } }
    expect((await request(open2, ofPage)).status).toBe(401)
    expect((await request(open2, { ...get, headers: { ...bearer, origin: 'null' } })).status).toBe(401)
    expect((await request(open2, { ...get, headers: { ...bearer, 'sec-fetch-site': 'none' } })).status).toBe(200)
    expect((await request(open2, { method: 'POST', path: '/cservice' })).status).toBe(405)
  })

  test('another page is not found', async () => {
    const { port } = await open()
    expect(await request(port, { path: '/', headers: bearer })).toMatchObject({ status: 404, text: 'Page Not Found' })
  })

  test('a body is appended to cmd', async () => {
    const { port } = await open(command('restart', async (args) => args))
    expect((await request(port, { path: path('restart'), headers: bearer }, ' all')).text).toBe('["all"]')
    expect((await request(port, { path: '/cli?accessKey=KEY' }, 'restart all')).text).toBe('["all"]')
  })
})

describe('commands.js', () => {
  test('commands out of two directories have the name of their file, or their id', async () => {
    const folder = temporaryDirectory()
    for (const name of ['one', 'two']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'one/custom.js'), 'module.exports = (event, callback) => callback(null, event.name)')
    writeFileSync(
      join(folder, 'two/other.js'),
      'exports = module.exports = (event, callback) => callback(null, event.name)\nexports.id = "customName"',
    )
    const registry = registryOf()
    for (const { name, run, statics } of await loadCommands('one,two', folder)) {
      registry.override(customCommand(name, run, surroundings, statics))
    }
    expect(await registry.run('custom', remote)).toBe('custom')
    expect(await registry.run('customName', remote)).toBe('customName')
  })
})

describe('util.js', () => {
  test('a line is taken apart into words and JSON', () => {
    const words = parseCommandLine('start "my worker.js" 7 { "a": "b }", "c": [1] }')
    expect(words.map(({ value }) => value)).toEqual(['start', 'my worker.js', 7, { a: 'b }', c: [1] }])
  })
})

describe('cmd-help.js', () => {
  const registry = () => {
    const table = registryOf(
      healthCommand(async () => []),
      workerStartCommand(),
      workerExitCommand(),
    )
    table.register(helpCommand(table))
    return table
  }

  test('all commands are listed, but not workerStart and workerExit', async () => {
    expect(await registry().run('help', inproc)).toEqual({
      more: "Commands (Use 'help [command_name]' for more details)",
      commands: ['health', 'help'],
    })
  })

  test('a command is explained, help too', async () => {
    expect(await registry().run('help health', inproc)).toMatchObject({
      info: 'Returns health of service. May be overidden by service to expose app-specific data.',
      command: 'health',
    })
    expect(await registry().run('help help', inproc)).toMatchObject({
      command: 'help [command_name]',
      command_name: 'Optional if you want extended help',
    })
  })
})

describe('cmd-exit.js', () => {
  test('it wants the word now', async () => {
    for (const line of ['exit', 'exit later']) {
      await expect(registryOf(exitCommand(() => {})).run(line, inproc)).rejects.toThrow(
        "Invalid request, 'now' required. Try help exit",
      )
    }
  })

  test('it answers, and then ends the process', async () => {
    const events: unknown[] = []
    const killed = new Promise<void>((resolve) => {
      const registry = registryOf(
        exitCommand(() => {
          events.push('killed')
          resolve()
        }),
      )
      void registry.run('exit now', inproc).then((answer) => events.push(answer))
    })
    await killed
    expect(events).toEqual(['Exiting now.', 'killed'])
  })

  test('it is explained', async () => {
    const registry = registryOf(exitCommand(() => {}))
    registry.register(helpCommand(registry))
    expect(await registry.run('help exit', inproc)).toMatchObject({
      info: 'Forcefully exits the service.',
      command: 'exit now',
      now: "Required. 'now' to force exit.",
    })
  })
})

describe('what it hid', () => {
  test('workerStart and workerExit say what happened, and a program puts its own in their place', async () => {
    const { registry, said } = registryThatSays()
    registry.register(workerStartCommand())
    registry.register(workerExitCommand())
    const worker = { pid: 1234, cservice: { worker: '/srv/server.js' } }
    await registry.call('workerStart', [worker], inproc)
    await registry.call('workerExit', [worker, 'restart'], inproc)
    await registry.call('workerExit', [{ pid: 5, name: 'jobs', reason: 'failure' }], inproc)
    await registry.call('workerExit', [null], inproc)
    expect(said).toEqual([
      'Worker server.js(1234) start, reason: Unknown',
      'Worker server.js(1234) exited, reason: restart',
      'Worker jobs(5) exited, reason: failure',
      'Worker unknown(unknown) exited, reason: Unknown',
    ])
    const seen: unknown[] = []
    const own: CommandFunction = (_, callback, ...args) => {
      seen.push(...args)
      callback()
    }
    registry.override(customCommand('workerExit', own, surroundings))
    await registry.call('workerExit', [worker, 'restart'], inproc)
    expect(seen).toEqual([worker, 'restart'])
    expect(seen[0]).toBe(worker)
    expect(registry.mayRun('workerExit', { level: 'local', name: 'test' })).toBe(false)
  })

  test('locals and options work, over REST too, and keep the key to themselves', async () => {
    const locals: Record<string, unknown> = { state: 2, options: { accessKey: 'SECRET', port: 1 } }
    locals.events = { health: () => {} }
    locals.self = locals
    const { port } = await openControl([localsCommand(() => locals), optionsCommand(() => locals.options)])
    const headers = { authorization: 'Bearer KEY' }
    const answer = await request(port, { path: '/cli?cmd=locals', headers })
    expect(JSON.parse(answer.text)).toEqual({
      state: 2,
      options: { accessKey: '***', port: 1 },
      events: { health: '[function health]' },
      self: '[circular]',
    })
    expect((await request(port, { path: '/cli?cmd=options', headers })).text).toBe('{"accessKey":"***","port":1}')
  })
})
