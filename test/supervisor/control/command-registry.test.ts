import { expect, test } from 'vitest'
import { helpCommand } from '../../../src/supervisor/commands/help.ts'
import { packageVersion, versionCommand } from '../../../src/supervisor/commands/version.ts'
import { AccessKeys } from '../../../src/supervisor/control/access.ts'
import type { Caller } from '../../../src/supervisor/control/command.ts'
import { command, deferred, registryOf } from './resources.ts'

const local: Caller = { level: 'local', name: 'test' }
const remote: Caller = { level: 'remote', name: '192.0.2.1' }
const inproc: Caller = { level: 'inproc', name: 'test' }

test('a command gets its words as values and as text, from a line or from words', async () => {
  const registry = registryOf(command('echo', async (args, { words }) => ({ args, words })))
  const expected = { args: ['v', 7, { a: 1 }], words: ['v', '7', '{"a":1}'] }
  expect(await registry.run('echo v 7 {"a":1}', local)).toEqual(expected)
  expect(await registry.run(['echo', 'v', '7', '{"a":1}'], local)).toEqual(expected)
})

test('commands are listed in the order of registration, and one that is overridden keeps its place', async () => {
  const registry = registryOf(
    command('b', async () => 1),
    command('a', async () => 1),
  )
  registry.override(command('b', async () => 2))
  registry.override(command('c', async () => 3))
  expect(registry.list().map(({ name }) => name)).toEqual(['b', 'a', 'c'])
  expect(await registry.run('b', local)).toBe(2)
  expect(() => registry.register(command('a', async () => 1))).toThrow('twice')
})

test('an unknown command is refused with the nearest name; names of object properties are unknown', async () => {
  const registry = registryOf(
    command('restart', async () => 1),
    command('restort', async () => 1, { isVisible: false }),
  )
  await expect(registry.run('restrat all', local)).rejects.toMatchObject({
    code: 'UNKNOWN_COMMAND',
    hint: expect.stringContaining('"restart"'),
  })
  for (const name of ['constructor', '__proto__', 'toString', '', '   ']) {
    await expect(registry.run(name, local)).rejects.toMatchObject({ code: 'UNKNOWN_COMMAND' })
  }
})

test('the level of a command is checked, and a key may change it', async () => {
  const registry = registryOf(
    command('stop', async () => 'done', { level: 'local' }),
    command('off', async () => 'done', { level: 'disabled' }),
  )
  await expect(registry.run('stop', remote)).rejects.toMatchObject({
    code: 'NOT_AUTHORISED',
    message: "Not authorized to execute 'stop' remotely",
  })
  expect(await registry.run('stop', local)).toBe('done')
  await expect(registry.run('off', local)).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  expect(await registry.run('off', inproc)).toBe('done')
  const rights = new AccessKeys('k[stop:remote]').find('k') ?? undefined
  expect(await registry.run('stop', remote, { rights })).toBe('done')
  const onlyOff = new AccessKeys('k[off]').find('k') ?? undefined
  await expect(registry.run('stop', local, { rights: onlyOff })).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
})

test('commands that change something run one at a time in order, and reads at once beside them', async () => {
  const gate = deferred()
  const events: string[] = []
  const change = command('change', async ([name]) => {
    events.push(`begin ${name}`)
    await gate.promise
    events.push(`end ${name}`)
    return name
  })
  const registry = registryOf(
    change,
    command('read', async () => events.length, { runsAtOnce: () => true }),
  )
  const both = Promise.all([registry.run('change a', local), registry.run('change b', local)])
  while ((await registry.run('read', local)) === 0) {}
  expect(events).toEqual(['begin a'])
  gate.resolve()
  expect(await both).toEqual(['a', 'b'])
  expect(events).toEqual(['begin a', 'end a', 'begin b', 'end b'])
})

test('a command may be a read for some words only', async () => {
  const gate = deferred()
  const proxy = command(
    'proxy',
    ([verb]) => (verb === 'info' ? Promise.resolve('info') : gate.promise.then(() => 'promoted')),
    {
      runsAtOnce: ([verb]) => verb === 'info',
    },
  )
  const registry = registryOf(proxy)
  const promote = registry.run('proxy promote v2', local)
  expect(await registry.run('proxy info', local)).toBe('info')
  gate.resolve()
  expect(await promote).toBe('promoted')
})

test.each([
  ['a string', () => Promise.reject('odd'), 'odd'],
  ['nothing', () => Promise.reject(undefined), 'undefined'],
  [
    'at once, not as a promise',
    () => {
      throw new TypeError('sudden')
    },
    'sudden',
  ],
  ['a stack trace as text', () => Promise.reject('it broke\n    at secret (/home/x.js:1:1)\n    at more'), 'it broke'],
])('a command that throws %s is answered, and the queue goes on', async (_, run, message) => {
  const registry = registryOf(
    command('odd', run),
    command('even', async () => undefined),
  )
  await expect(registry.run('odd', local)).rejects.toMatchObject({ code: 'INTERNAL', message })
  expect(await registry.run('even', local)).toBeNull()
})

test('when the service stops, running commands are told, waiting ones are cancelled, and new ones refused', async () => {
  const begun = deferred()
  const patient = command('wait', async (_, { signal }) => {
    begun.resolve()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return 'told'
  })
  const registry = registryOf(patient)
  const running = registry.run('wait', local)
  const waiting = registry.run('wait', local)
  await begun.promise
  registry.stop()
  expect(await running).toBe('told')
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(registry.run('wait', local)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
})

test('a command that never ends is answered when the service stops', async () => {
  const registry = registryOf(command('forever', () => new Promise(() => {})))
  const running = registry.run('forever', local)
  registry.stop()
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
}, 15_000)

test('help lists the visible commands in order and explains each', async () => {
  const registry = registryOf(
    command('proxy', async () => null, { help: { info: 'The proxy', command: 'proxy <verb>' } }),
    command('bare', async () => null),
    command('secret', async () => null, { isVisible: false }),
  )
  registry.register(helpCommand(registry))
  expect(await registry.run('help', local)).toEqual({
    more: "Commands (Use 'help [command_name]' for more details)",
    commands: ['proxy', 'bare', 'help'],
  })
  expect(await registry.run('help proxy', local)).toEqual({ info: 'The proxy', command: 'proxy <verb>' })
  expect(await registry.run('help bare', local)).toEqual({ command: 'bare', more: 'No additional details found.' })
  expect(await registry.run('help prxoy', local)).toEqual({
    command: 'prxoy',
    err: 'Command not found',
    more: "Did you mean 'proxy'?",
  })
  expect(await registry.run('help nope', local)).toEqual({ command: 'nope', err: 'Command not found' })
  await expect(registry.run('help', remote)).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
})

test('version answers the version of the package, to remote callers too', async () => {
  expect(await registryOf(versionCommand()).run('version', remote)).toBe(packageVersion())
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/)
})
