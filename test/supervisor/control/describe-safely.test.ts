import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeSafely } from '../../../src/supervisor/control/describe-safely.ts'

const privateKey = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----'

test('secrets are masked by name, by what they hold, and among arguments', () => {
  expect(
    describeSafely({
      accessKey: 'SECRET',
      ssl: { key: privateKey, cert: 'server.crt', passphrase: 'SECRET', pfx: 'SECRET', keyFile: 'server.key' },
      env: { DB_PASSWORD: 'SECRET', CSERVICE_ACCESS_KEY: 'SECRET', API_TOKEN: 'SECRET', PATH: '/bin', KEYBOARD: 'us' },
      spawnargs: [
        'node',
        'w.js',
        '--accessKey',
        'SECRET',
        '--port',
        '1',
        '--access-key=SECRET',
        '--cs.accessKey',
        'SECRET',
      ],
      map: new Map([['clientSecret', 'SECRET']]),
      unset: { accessKey: null, passphrase: '' },
    }),
  ).toEqual({
    accessKey: '***',
    ssl: { key: '***', cert: 'server.crt', passphrase: '***', pfx: '***', keyFile: 'server.key' },
    env: { DB_PASSWORD: '***', CSERVICE_ACCESS_KEY: '***', API_TOKEN: '***', PATH: '/bin', KEYBOARD: 'us' },
    spawnargs: ['node', 'w.js', '--accessKey', '***', '--port', '1', '--access-key=***', '--cs.accessKey', '***'],
    map: { clientSecret: '***' },
    unset: { accessKey: null, passphrase: '' },
  })
})

test('what is no JSON is described', () => {
  const circle: Record<string, unknown> = {
    big: 7n,
    run: function named() {},
    made: new Date(0),
    bytes: Buffer.from('abc'),
  }
  circle.self = circle
  circle.twice = [{ a: 1 }]
  circle.set = new Set([1, Number.NaN])
  circle.error = new TypeError('oh')
  Object.defineProperty(circle, 'sour', {
    enumerable: true,
    get: () => {
      throw new Error('no')
    },
  })
  expect(describeSafely(circle)).toEqual({
    big: '7',
    run: '[function named]',
    made: '1970-01-01T00:00:00.000Z',
    bytes: '[3 bytes]',
    self: '[circular]',
    twice: [{ a: 1 }],
    set: [1, 'NaN'],
    error: { name: 'TypeError', message: 'oh' },
    sour: '[cannot be read: no]',
  })
})

test('a revoked proxy, a proxy that throws and an endless depth are described too', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  let deep: unknown = 'bottom'
  for (let level = 0; level < 100_000; level++) deep = { deep }
  expect(JSON.stringify(describeSafely({ proxy, deep }))).toContain('[…]')
})

test('whatever there is, its description is JSON', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      (value) => {
        const text = JSON.stringify(describeSafely(value))
        expect(typeof text).toBe('string')
      },
    ),
  )
})
