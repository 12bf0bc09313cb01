import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FromLibrary } from '../../src/common/worker-messages.ts'
import { readMessage } from '../../src/supervisor/worker-message.ts'

const id = fc.maxSafeInteger()
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const level = fc.constantFrom('remote', 'local', 'inproc', 'disabled', null)

const message: fc.Arbitrary<FromLibrary> = fc.oneof(
  fc.record({ type: fc.constant('call' as const), id, name: fc.string(), args: fc.array(json) }),
  fc.record({ type: fc.constant('result' as const), id, result: json }),
  fc.record({
    type: fc.constant('register' as const),
    name: fc.stringMatching(/^[a-z][a-z.]{0,20}$/),
    level,
    isVisible: fc.boolean(),
    help: fc.constantFrom(null, { info: 'Text.' }),
  }),
)

test('a message of the library is read as it was written', () => {
  fc.assert(
    fc.property(message, (written) => {
      expect(readMessage(written)).toEqual(written)
    }),
  )
})

test('an error of a worker is read as one of the catalogue', () => {
  const error = { code: 'CONFIG_INVALID', message: 'wrong', hint: 'mend it', details: [1] }
  expect(readMessage({ type: 'failure', id: 1, error })).toEqual({ type: 'failure', id: 1, error })
  expect(readMessage({ type: 'failure', id: 1, error: { code: 'toString', message: 7 } })).toMatchObject({
    error: { code: 'INTERNAL' },
  })
})

test('whatever a worker says, it is a message or nothing, and never throws', () => {
  const types = fc.constantFrom('call', 'register', 'result', 'failure', 'other', 7)
  const anything = fc.oneof(
    json,
    fc.record({ type: types, id: json, name: json, args: json, level: json, help: json, error: json }),
  )
  fc.assert(
    fc.property(anything, (body) => {
      const read = readMessage(body)
      if (read?.type === 'register') expect(read.name).toMatch(/^\S{1,128}$/u)
      else if (read !== null) expect(Number.isSafeInteger(read.id)).toBe(true)
    }),
  )
})

test.each(['', ' ', 'a b', '"quoted', '{x', 'a\nb', 'a\u0000', 'x'.repeat(129)])(
  '%j is no name of a command',
  (name) => {
    expect(readMessage({ type: 'register', name, level: null, isVisible: true, help: null })).toBeNull()
  },
)
