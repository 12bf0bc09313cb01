import { expect, test } from 'vitest'
import type { Caller } from '../../../src/supervisor/control/command.ts'
import { type CommandFunction, customCommand } from '../../../src/supervisor/control/custom-command.ts'
import { command, registryOf } from './resources.ts'

const local: Caller = { level: 'local', name: 'test' }
const remote: Caller = { level: 'remote', name: '192.0.2.1' }
const inproc: Caller = { level: 'inproc', name: 'test' }

const answering = (name: string, level?: string) => {
  const run: CommandFunction = (_, callback) => callback(null, 'custom')
  return customCommand(name, level ? Object.assign(run, { control: () => level }) : run, {
    service: null,
    locals: null,
  })
}

test('a level can be given to commands that are there and to those that come later', () => {
  const registry = registryOf(command('health', async () => 'OK'))
  registry.setLevels({ health: 'local', later: 'inproc' })
  expect(registry.mayRun('health', remote)).toBe(false)
  registry.override(answering('later'))
  expect(registry.mayRun('later', local)).toBe(false)
  registry.setLevels({ later: 'remote' })
  expect(registry.mayRun('later', remote)).toBe(true)
})

test('a command that comes later with a level of its own has that', () => {
  const registry = registryOf()
  registry.setLevels({ own: 'remote' })
  registry.override(answering('own', 'local'))
  expect(registry.levelOf('own')).toBe('local')
})

test('a command of the user that replaces one of the service keeps its level, unless it has its own', () => {
  const registry = registryOf(command('shutdown', async () => 'built in', { level: 'local' }))
  registry.override(answering('shutdown'))
  expect(registry.levelOf('shutdown')).toBe('local')
  registry.override(answering('shutdown', 'disabled'))
  expect(registry.levelOf('shutdown')).toBe('disabled')
})

test.each(['root', '', 'LOCAL', null, 7, 'constructor'])(
  'the level %j does not exist, and nothing is changed',
  (level) => {
    const registry = registryOf()
    expect(() => registry.setLevels({ one: 'inproc', two: level })).toThrow(
      expect.objectContaining({ code: 'BAD_USAGE', message: `${level} is not a valid control level.` }),
    )
    expect(registry.levelOf('one')).toBe('remote')
  },
)

test('names of object properties are names like any other', () => {
  const registry = registryOf()
  registry.setLevels(JSON.parse('{"__proto__":"inproc","constructor":"local"}'))
  expect(registry.levelOf('__proto__')).toBe('inproc')
  expect(registry.levelOf('toString')).toBe('remote')
  expect(registry.get('constructor')).toBeUndefined()
})

test('a command of the service is there again when the one that replaced it is taken away', async () => {
  const registry = registryOf(
    command('health', async () => 'built in'),
    command('info', async () => 'built in'),
  )
  registry.override(answering('health'))
  registry.override(answering('own'))
  expect(registry.list().map(({ name }) => name)).toEqual(['health', 'info', 'own'])
  expect(await registry.run('health', local)).toBe('custom')
  expect(registry.unregister('health')).toBe(true)
  expect(await registry.run('health', local)).toBe('built in')
  expect(registry.unregister('own')).toBe(true)
  expect(registry.unregister('own')).toBe(false)
  await expect(registry.run('own', local)).rejects.toMatchObject({ code: 'UNKNOWN_COMMAND' })
})

test('a program can call a command with values of any type, whatever its level', async () => {
  const registry = registryOf(command('echo', async (args, { words }) => ({ args, words }), { level: 'disabled' }))
  const worker = { pid: 7, accessKey: 'SECRET', self: null as unknown }
  worker.self = worker
  const result = (await registry.call('echo', [worker, '7', 7, undefined, 7n], inproc)) as Record<string, unknown[]>
  expect(result.args?.[0]).toBe(worker)
  expect(result.args?.slice(1)).toEqual(['7', 7, undefined, 7n])
  expect(result.words?.slice(1)).toEqual(['7', '7', 'undefined', '7'])
  expect(result.words?.[0]).not.toContain('SECRET')
  await expect(registry.call('toString', [], inproc)).rejects.toMatchObject({ code: 'UNKNOWN_COMMAND' })
})
