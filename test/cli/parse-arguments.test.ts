import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toKebab } from '../../src/cli/canonical.ts'
import { parseArguments, wantsJson } from '../../src/cli/parse-arguments.ts'
import { toArguments } from '../../src/cli/to-arguments.ts'

const words = (...argv: string[]) => {
  const invocation = parseArguments(argv)
  return invocation.kind === 'command' ? invocation.words : invocation.kind
}
const options = (...argv: string[]) => parseArguments(argv).options

test('without options everything has its default', () => {
  expect(parseArguments([])).toEqual({
    kind: 'nothing',
    options: { port: 11987, host: 'localhost', json: false },
    given: {},
  })
})

test.each<[string[], readonly string[] | string]>([
  [
    ['proxy', 'promote', 'v3', '4'],
    ['proxy', 'promote', 'v3', '4'],
  ],
  [['proxy promote v3 4'], ['proxy', 'promote', 'v3', '4']],
  [['restart all'], ['restart', 'all']],
  [['upgrade all server2.js'], ['upgrade', 'all', 'server2.js']],
  [
    ['upgrade', 'all', 'server2.js'],
    ['upgrade', 'all', 'server2.js'],
  ],
  [
    ['proxy', 'start', '/x y/proxy.json'],
    ['proxy', 'start', '/x y/proxy.json'],
  ],
  [
    ['proxy', 'why', 'GET', '/a', '-H', 'x-version: ^2', '--json', '--header=a: b'],
    ['proxy', 'why', 'GET', '/a', '-H', 'x-version: ^2', '--header=a: b'],
  ],
  [[`proxy why /a -H "x-version: >=2 <3"`], ['proxy', 'why', '/a', '-H', 'x-version: >=2 <3']],
  [['proxy start "/x y/proxy.json"'], ['proxy', 'start', '/x y/proxy.json']],
  [
    ['--run', 'proxy start /x/proxy.json'],
    ['proxy', 'start', '/x/proxy.json'],
  ],
  [['--run=restart all {"timeout":5}'], ['restart', 'all', '{"timeout":5}']],
  [
    ['start', 'w.js', '{"a": "}"}'],
    ['start', 'w.js', '{"a": "}"}'],
  ],
  [
    ['proxy', '--port', '1', 'info', '--json'],
    ['proxy', 'info'],
  ],
  [
    ['proxy', 'version', '7', '2'],
    ['proxy', 'version', '7', '2'],
  ],
  [
    ['proxy', 'version', 'v1', '-1'],
    ['proxy', 'version', 'v1', '-1'],
  ],
  [
    ['proxy', 'why', 'GET', '/a', '-H', 'x-version: ^2', '--json'],
    ['proxy', 'why', 'GET', '/a', '-H', 'x-version: ^2'],
  ],
  [
    ['proxy', 'info', '--', '--json'],
    ['proxy', 'info', '--json'],
  ],
  [['--help', 'proxy'], 'help'],
  [['-h'], 'help'],
  [['--version'], 'version'],
  [['-v'], 'version'],
  [['version'], ['version']],
  [['--json'], 'nothing'],
  [['--run', ''], 'nothing'],
])('%j', (argv, expected) => expect(words(...argv)).toEqual(expected))

test.each<[string[], object]>([
  [['--port', '1'], { port: 1 }],
  [['--port=65535'], { port: 65535 }],
  [['--cs.port', '3'], { port: 3 }],
  [['--cs.port=3'], { port: 3 }],
  [['--accessKey', '0123'], { accessKey: '0123' }],
  [['--access-key', '1e5'], { accessKey: '1e5' }],
  [['--accessKey=--odd=key'], { accessKey: '--odd=key' }],
  [['--accessKey', '-odd'], { accessKey: '-odd' }],
  [['--cs.accessKey=k'], { accessKey: 'k' }],
  [['--cs.access-key', 'k'], { accessKey: 'k' }],
  [['--json'], { json: true }],
  [['--json', 'true'], { json: true }],
  [['--json=true'], { json: true }],
  [['--cs.json'], { json: true }],
  [['--json', 'false'], { json: false }],
  [['--json=false'], { json: false }],
  [['--no-json'], { json: false }],
  [['--json', '--no-json'], { json: false }],
  [
    ['--pidFile', 'a', '--log-file', 'b', '--logLevel', 'warn', '--timeout', '0'],
    { pidFile: 'a', logFile: 'b', logLevel: 'warn', timeout: 0 },
  ],
  [['--host', '::1'], { host: '::1' }],
])('%j', (argv, expected) => expect(options(...argv)).toMatchObject(expected))

test.each<[string[], string, RegExp]>([
  [['--prot', '1'], 'UNKNOWN_OPTION', /--port/],
  [['--acessKey=SECRET'], 'UNKNOWN_OPTION', /--accessKey/],
  [['--acess-key', 'SECRET'], 'UNKNOWN_OPTION', /--accessKey/],
  [['--cs.prot', '1'], 'UNKNOWN_OPTION', /--port/],
  [['proxy', 'info', '--jsn'], 'UNKNOWN_OPTION', /--json/],
  [['--no-port'], 'UNKNOWN_OPTION', /--port/],
  [['-x'], 'UNKNOWN_OPTION', /--help/],
  [['--__proto__'], 'UNKNOWN_OPTION', /--help/],
  [['--port'], 'BAD_USAGE', /./],
  [['--accessKey', '--json'], 'BAD_USAGE', /./],
  [['--accessKey', ''], 'BAD_USAGE', /./],
  [['--port', '0'], 'BAD_USAGE', /./],
  [['--port', '1.5'], 'BAD_USAGE', /./],
  [['--port', '65536'], 'BAD_USAGE', /./],
  [['--json=maybe'], 'BAD_USAGE', /./],
  [['--timeout', 'soon'], 'BAD_USAGE', /./],
  [['--logLevel', 'loud'], 'BAD_USAGE', /./],
  [['--run', 'info', 'health'], 'BAD_USAGE', /./],
  [['proxy "start'], 'BAD_USAGE', /./],
])('%j is refused', (argv, code, hint) => {
  let error: unknown
  try {
    parseArguments(argv)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code, exitCode: 2, hint: expect.stringMatching(hint) })
  expect(JSON.stringify(error)).not.toContain('SECRET')
})

test('the access key may come from the environment, which the command line overrides', () => {
  expect(parseArguments(['info'], { CSERVICE_ACCESS_KEY: 'env' }).options.accessKey).toBe('env')
  expect(parseArguments(['info', '--accessKey', 'arg'], { CSERVICE_ACCESS_KEY: 'env' }).options.accessKey).toBe('arg')
  expect(parseArguments(['info'], { CSERVICE_ACCESS_KEY: '' }).options).not.toHaveProperty('accessKey')
})

const given = (...argv: string[]) => {
  const invocation = parseArguments(argv)
  return invocation.kind === 'service' ? invocation.given : invocation.kind
}

test.each<[string[], object | string]>([
  [['server.js'], { workers: 'server.js' }],
  [['SERVER.JS'], { workers: 'SERVER.JS' }],
  [['./a b/server.mjs'], { workers: './a b/server.mjs' }],
  [['w.cjs'], { workers: 'w.cjs' }],
  [['w.ts'], { workers: 'w.ts' }],
  [['w.mts'], { workers: 'w.mts' }],
  [['w.cts'], { workers: 'w.cts' }],
  [['config.json'], { config: 'config.json' }],
  [['--config', 'x.json'], { config: 'x.json' }],
  [['--workers', './no-extension'], { workers: './no-extension' }],
  [['--worker=old.js'], { worker: 'old.js' }],
  [['--proxy', 'proxy.json'], { proxy: 'proxy.json' }],
  [['server.js', '--config', 'x.json', '--proxy=p.json'], { workers: 'server.js', config: 'x.json', proxy: 'p.json' }],
  [['server.js', '--', '--port', '80', 'x.js'], { workers: 'server.js', args: ['--port', '80', 'x.js'] }],
  [['--config=c.json', '--', 'proxy', 'info'], { config: 'c.json', args: ['proxy', 'info'] }],
  [['upgrade all server2.js'], 'command'],
  [['upgrade', 'all', 'server2.js'], 'command'],
  [['proxy', 'start', 'proxy.json'], 'command'],
  [['start', 'server.js'], 'command'],
  [['my-command', 'x.js'], 'command'],
  [['--run', 'my-command x.js', '--config', 'c.json'], 'command'],
  [['--run', 'server.js'], 'command'],
  [['server'], 'command'],
])('%j starts a service, or is a command', (argv, expected) => expect(given(...argv)).toEqual(expected))

test.each<[string[], object]>([
  [['--workerCount', '4', '--port=1'], { workerCount: 4, port: 1 }],
  [['--worker-count=0'], { workerCount: 0 }],
  [['--cs.worker-count=-1'], { workerCount: -1 }],
  [['--accessKey', '0123', '--host', 'h'], { accessKey: '0123', host: 'h' }],
  [['--access-key=1e5'], { accessKey: '1e5' }],
  [['--silent'], { silent: true }],
  [['--silent', 'true', '--cli', 'false'], { silent: true, cli: false }],
  [['--no-cli', '--allowHttpGet=true', '--no-silent'], { cli: false, allowHttpGet: true, silent: false }],
  [['--restartOnUnresponsive'], { restartOnUnresponsive: true }],
  [['--restart-on-unresponsive', '7.5'], { restartOnUnresponsive: 7.5 }],
  [['--restartOnUnresponsive=45'], { restartOnUnresponsive: 45 }],
  [['--no-restart-on-unresponsive'], { restartOnUnresponsive: false }],
  [['--restartOnMemUsage', '5e8', '--restartOnUpTime', '60'], { restartOnMemUsage: 5e8, restartOnUpTime: 60 }],
  [['--restartConcurrencyRatio=0.5', '--restartDelayMs', '0'], { restartConcurrencyRatio: 0.5, restartDelayMs: 0 }],
  [['--commands', 'a,b', '--commands', 'c'], { commands: ['a', 'b', 'c'] }],
  [['--workerUid', '1000', '--worker-gid', 'nogroup'], { workerUid: '1000', workerGid: 'nogroup' }],
  [['--ssl.key', 'k.pem', '--ssl.cert=c.pem'], { ssl: { key: 'k.pem', cert: 'c.pem' } }],
  [['--cs.ssl.ca', 'a', '--ssl.ca', 'b', '--ssl.ca=c=d'], { ssl: { ca: ['a', 'b', 'c=d'] } }],
  [['--ssl.requestCert', '--ssl.reject-unauthorized=false'], { ssl: { requestCert: true, rejectUnauthorized: false } }],
  [['--ssl.passphrase', '0123', '--ssl.handshakeTimeout', '5'], { ssl: { passphrase: '0123', handshakeTimeout: 5 } }],
])('server.js %j', (argv, expected) =>
  expect(given('server.js', ...argv)).toEqual({ workers: 'server.js', ...expected }),
)

test.each<[string[], string, RegExp]>([
  [['--workerCout', '1'], 'UNKNOWN_OPTION', /--workerCount/],
  [['--ssl', 'key.pem'], 'BAD_USAGE', /./],
  [['--no-ssl.key'], 'UNKNOWN_OPTION', /./],
  [['--port.x', '1'], 'UNKNOWN_OPTION', /./],
  [['--workerCount', 'abc'], 'BAD_USAGE', /./],
  [['--silent=yes'], 'BAD_USAGE', /./],
  [['--restartOnUnresponsive=soon'], 'BAD_USAGE', /./],
  [['--ssl.key'], 'BAD_USAGE', /./],
  [['other.js'], 'BAD_USAGE', /config.json/],
  [['8080'], 'BAD_USAGE', /--/],
  [['--workers', 'other.js'], 'BAD_USAGE', /./],
])('server.js %j is refused', (argv, code, hint) => {
  expect(() => parseArguments(['server.js', ...argv])).toThrowError(
    expect.objectContaining({ code, exitCode: 2, hint: expect.stringMatching(hint) }),
  )
})

test('the passphrase may come from the environment, next to other options of TLS', () => {
  const environment = { CSERVICE_SSL_PASSPHRASE: 'p' }
  const ssl = (...argv: string[]) => parseArguments(['w.js', ...argv], environment).given.ssl
  expect(ssl('--ssl.pfx', 'f')).toEqual({ pfx: 'f', passphrase: 'p' })
  expect(ssl('--ssl.pfx', 'f', '--ssl.passphrase', 'typed')).toEqual({ pfx: 'f', passphrase: 'typed' })
  expect(ssl()).toBeUndefined()
})

const plainText = fc
  .string({ minLength: 1 })
  .filter((text) => !text.startsWith('-') && text !== 'true' && text !== 'false')
const givenOptions = fc.record(
  {
    port: fc.integer({ min: 1, max: 65535 }),
    host: plainText,
    accessKey: plainText,
    workers: plainText,
    config: plainText,
    master: plainText,
    proxy: plainText,
    workerCount: fc.integer({ min: -10, max: 2000 }),
    restartConcurrencyRatio: fc.constantFrom(0, 0.25, 1),
    restartOnUnresponsive: fc.oneof(fc.boolean(), fc.nat()),
    silent: fc.boolean(),
    cli: fc.boolean(),
    allowHttpGet: fc.boolean(),
    workerUid: plainText,
  },
  { requiredKeys: ['workers'] },
)

test('camelCase and kebab-case, with and without cs., apart and with = are all the same', () => {
  const style = fc.record({ isKebab: fc.boolean(), isScoped: fc.boolean(), isJoined: fc.boolean() })
  fc.assert(
    fc.property(givenOptions, fc.infiniteStream(style), (options, styles) => {
      const argv = Object.entries(options).flatMap(([name, value]) => {
        const { isKebab, isScoped, isJoined } = styles.next().value
        const word = `--${isScoped ? 'cs.' : ''}${isKebab ? toKebab(name) : name}`
        return isJoined || Number(value) < 0 ? [`${word}=${value}`] : [word, String(value)]
      })
      expect(parseArguments(argv)).toMatchObject({ kind: 'service', given: options })
    }),
  )
})

test('the line that gives a service its options again has all of them but the secrets', () => {
  const more = fc.record({
    options: givenOptions,
    args: fc.array(fc.string(), { minLength: 1 }),
    commands: fc.array(fc.stringMatching(/^[^,]+$/), { minLength: 1 }),
  })
  fc.assert(
    fc.property(more, ({ options, args, commands }) => {
      const { accessKey: _key, ...expected } = options
      const ssl = { key: 'k=1', ca: ['a', 'b'], requestCert: true }
      const line = toArguments({ ...options, args, commands, ssl: { ...ssl, passphrase: 'SECRET' } })
      expect(parseArguments(line).given).toEqual({ ...expected, args, commands, ssl })
    }),
  )
})

test('whether JSON is wanted can be told from any command line', () => {
  expect([['--zzz', '--json'], ['--json=true'], ['--cs.json'], ['--json', 'true']].map(wantsJson)).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(
    [[], ['--json=false'], ['--json', 'false'], ['w.js', '--', '--json'], ['--json', '--no-json'], ['--jsonx']].map(
      wantsJson,
    ),
  ).toEqual([false, false, false, false, false, false])
})

test('whatever is typed, it is understood or refused as wrong usage', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '--port',
      '--json',
      '--no-json',
      '--',
      '-h',
      '--run',
      'proxy',
      'true',
      '--accessKey=x',
      '--x',
      '-',
      'w.js',
      'c.json',
      '--ssl.key',
      '--silent',
      '--restartOnUnresponsive',
      '--worker-count',
    ),
  )
  fc.assert(
    fc.property(fc.array(word), (argv) => {
      try {
        parseArguments(argv)
      } catch (error) {
        expect(error).toMatchObject({ name: 'CserviceError', exitCode: 2 })
      }
    }),
  )
})
