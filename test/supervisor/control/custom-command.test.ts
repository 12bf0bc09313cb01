import { describe, expect, test, vi } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { helpCommand } from '../../../src/supervisor/commands/help.ts'
import type { Caller } from '../../../src/supervisor/control/command.ts'
import { type CommandFunction, customCommand } from '../../../src/supervisor/control/custom-command.ts'
import { command, deferred, registryOf } from './resources.ts'

const local: Caller = { level: 'local', name: 'test' }
const remote: Caller = { level: 'remote', name: '192.0.2.1' }
const service = { isMaster: true }
const locals = { state: 2 }

function registryWith(run: CommandFunction, name = 'own') {
  const registry = registryOf()
  registry.register(helpCommand(registry))
  registry.override(customCommand(name, run, { service, locals }))
  return registry
}

test('a command gets its event, a callback and the typed words', async () => {
  const seen: unknown[] = []
  const registry = registryWith((event, callback, ...args) => {
    seen.push(event.name, event.service, event.locals, event.cb === callback, event.caller, args)
    callback(null, 'answered')
  })
  expect(await registry.run('own 1 a {"b":true}', local)).toBe('answered')
  expect(seen).toEqual(['own', service, locals, true, local, [1, 'a', { b: true }]])
})

describe('an answer comes by', () => {
  test.each<[string, CommandFunction, unknown]>([
    ['the callback', (_, cb) => cb(null, { a: 1 }), { a: 1 }],
    ['the callback, later', (_, cb) => void setImmediate(cb, null, 7), 7],
    ['the callback of the event', ({ cb }) => cb(null, 'event'), 'event'],
    ['the callback without a result', (_, cb) => cb(), null],
    ['a promise', async () => 'promised', 'promised'],
    ['a promise of nothing', async () => {}, null],
    ['the callback after a promise of nothing', async (_, cb) => void setImmediate(cb, null, 'later'), 'later'],
    ['the promise of one that takes the callback', async (_, _callback) => 'promised', 'promised'],
    ['the callback before the promise', async (_, cb) => cb(null, 'first'), 'first'],
    [
      'the first of two calls',
      (_, cb) => {
        cb(null, 'first')
        cb(null, 'second')
        cb('third')
      },
      'first',
    ],
    ['a falsy error, which is none', (_, cb) => cb(0, 'fine'), 'fine'],
    // biome-ignore lint/suspicious/noThenProperty: what a promise of another library looks like
    ['a thenable', () => ({ then: (done: (value: string) => void) => done('thenable') }), 'thenable'],
  ])('%s', async (_, run, expected) => {
    expect(await registryWith(run).run('own', local)).toEqual(expected)
  })
})

describe('an error is a clean one when it is', () => {
  const odd = {
    get message() {
      throw new Error('a getter')
    },
  }
  test.each<[string, CommandFunction, string]>([
    ['a text', (_, cb) => cb('timed out'), 'timed out'],
    ['an Error', (_, cb) => cb(new TypeError('cannot read')), 'cannot read'],
    ['an object with a message', (_, cb) => cb({ message: 'said so' }), 'said so'],
    ['an object without', (_, cb) => cb({ reason: 7 }), '{"reason":7}'],
    ['an object that cannot be read', (_, cb) => cb(odd), 'The command failed'],
    ['a number', (_, cb) => cb(42), '42'],
    ['a symbol', (_, cb) => cb(Symbol('no')), 'Symbol(no)'],
    ['thrown', () => throwing(new RangeError('thrown')), 'thrown'],
    ['a text that is thrown', () => throwing('thrown text'), 'thrown text'],
    ['a rejected promise', async () => throwing(new Error('rejected')), 'rejected'],
    ['a promise rejected with nothing', () => Promise.reject(undefined), 'The command failed'],
    ['the text of a stack', (_, cb) => cb('Error: it broke\n    at secret (/home/x.js:1:1)'), 'Error: it broke'],
  ])('%s', async (_, run, message) => {
    await expect(registryWith(run).run('own', local)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message,
      status: 400,
      exitCode: 1,
    })
  })

  test('one of the catalogue, which stays what it is', async () => {
    const run: CommandFunction = (_, cb) => cb(new CserviceError('NO_PROXY'))
    await expect(registryWith(run).run('own', local)).rejects.toMatchObject({ code: 'NO_PROXY' })
  })
})

test('a promise of nothing is an answer in the end, also of a function that declares the callback and forgets it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const registry = registryWith(async (_event, _callback) => {})
    const answer = registry.run('own', local)
    await vi.waitUntil(() => vi.getTimerCount() > 0)
    vi.advanceTimersByTime(5_000)
    expect(await answer).toBe(null)
  } finally {
    vi.useRealTimers()
  }
})

test('an error whose text is endless line ends does not stop the service while it looks for a stack', async () => {
  const registry = registryWith((_, cb, text) => cb(`no: ${text}`))
  const begin = performance.now()
  await expect(registry.run(`own "${'\n'.repeat(900_000)}"`, local)).rejects.toThrow('no: ')
  expect(performance.now() - begin).toBeLessThan(5_000)
})

test('a command that never answers holds up no other, and is cut off when the service stops', async () => {
  const registry = registryWith(() => {})
  registry.register(command('change', async () => 'changed'))
  const never = registry.run('own', local)
  expect(await registry.run('change', local)).toBe('changed')
  registry.stop()
  await expect(never).rejects.toMatchObject({ code: 'CANCELLED' })
}, 15_000)

test('a command can say how far it is, and is told when the service stops', async () => {
  const told = deferred()
  const registry = registryWith((event, cb) => {
    event.report('half')
    event.signal.addEventListener('abort', () => {
      told.resolve()
      cb(null, 'stopped')
    })
  })
  const progress: string[] = []
  const running = registry.run('own', local, { onProgress: (text) => progress.push(text) })
  await Promise.resolve()
  registry.stop()
  await told.promise
  expect(await running).toBe('stopped')
  expect(progress).toEqual(['half'])
})

describe('help asks the command when somebody wants to read it', () => {
  test.each<[string, CommandFunction['more'], unknown]>([
    ['by callback', (cb) => cb(null, { info: 'Own', command: 'own' }), { info: 'Own', command: 'own' }],
    ['by callback, later', (cb) => void setImmediate(cb, null, { info: 'Later' }), { info: 'Later' }],
    ['as a result', () => ({ info: 'Returned' }), { info: 'Returned' }],
    ['as a promise', async () => ({ info: 'Promised' }), { info: 'Promised' }],
    ['by the callback, after a promise of nothing', async (cb) => void setImmediate(cb, null, 'Later'), 'Later'],
    ['as a text', (cb) => cb(null, 'say: own'), 'say: own'],
    ['with nothing', (cb) => cb(), { command: 'own', more: 'No additional details found.' }],
    ['not at all', undefined, { command: 'own', more: 'No additional details found.' }],
  ])('%s', async (_, more, expected) => {
    const run = Object.assign((() => {}) as CommandFunction, more ? { more } : {})
    expect(await registryWith(run).run('help own', local)).toEqual(expected)
  })

  test('and a failure of it is answered', async () => {
    const run = Object.assign((() => {}) as CommandFunction, { more: () => throwing(new Error('no help')) })
    await expect(registryWith(run).run('help own', local)).rejects.toMatchObject({ message: 'no help' })
  })
})

test('the level is what control() says at registration, and remote without it', async () => {
  let asked = 0
  const run = Object.assign(((_, cb) => cb(null, 'ok')) as CommandFunction, {
    control: () => {
      asked++
      return 'local'
    },
  })
  const registry = registryWith(run)
  expect(await registry.run('own', local)).toBe('ok')
  await expect(registry.run('own', remote)).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  expect(asked).toBe(1)
  expect(await registryWith((_, cb) => cb(null, 'ok')).run('own', remote)).toBe('ok')
})

test.each<[string, string, CommandFunction, string]>([
  ['a level that does not exist', 'own', withControl(() => 'root'), 'root is not a valid control level.'],
  ['the level false', 'own', withControl(() => false), 'false is not a valid control level.'],
  [
    'a control that throws',
    'own',
    withControl(() => throwing(new Error('no'))),
    'control() of the command own failed: no',
  ],
  ['an empty name', '', () => {}, '"" cannot be the name of a command'],
  ['a name with a space', 'a b', () => {}, '"a b" cannot be the name of a command'],
  ['a name that begins like JSON', '{a', () => {}, '"{a" cannot be the name of a command'],
])('%s is refused', (_, name, run, message) => {
  expect(() => customCommand(name, run, { service, locals })).toThrow(
    expect.objectContaining({ code: 'BAD_USAGE', message }),
  )
})

test('a command that is hidden runs, and stands neither in help nor among suggestions', async () => {
  const run = Object.assign(((_, cb) => cb(null, 'ran')) as CommandFunction, { visible: false })
  const registry = registryWith(run, 'hidden')
  expect(await registry.run('hidden', local)).toBe('ran')
  expect(await registry.run('help', local)).toMatchObject({ commands: ['help'] })
  expect(await registry.run('help hiden', local)).toEqual({ command: 'hiden', err: 'Command not found' })
})

function throwing(error: unknown): never {
  throw error
}

function withControl(control: () => unknown): CommandFunction {
  return Object.assign((() => {}) as CommandFunction, { control })
}
