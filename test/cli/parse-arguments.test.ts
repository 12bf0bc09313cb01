import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseArguments, wantsJson } from '../../src/cli/parse-arguments.ts'

const words = (...argv: string[]) => {
  const invocation = parseArguments(argv)
  return invocation.kind === 'command' ? invocation.words : invocation.kind
}
const options = (...argv: string[]) => parseArguments(argv).options

test('without options everything has its default', () => {
  expect(parseArguments([])).toEqual({ kind: 'nothing', options: { port: 11987, host: 'localhost', json: false } })
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

test('whether JSON is wanted can be told from any command line', () => {
  expect([['--zzz', '--json'], ['--json=true'], ['--cs.json'], ['--no-json', '--json']].map(wantsJson)).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect([[], ['--json=false'], ['--json', '--no-json'], ['--jsonx']].map(wantsJson)).toEqual([
    false,
    false,
    false,
    false,
  ])
})

test('whatever is typed, it is understood or refused as wrong usage', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('--port', '--json', '--no-json', '--', '-h', '--run', 'proxy', 'true', '--accessKey=x', '--x', '-'),
  )
  fc.assert(
    fc.property(fc.array(word), (argv) => {
      try {
        parseArguments(argv)
      } catch (error) {
        expect(error).toMatchObject({ exitCode: 2 })
      }
    }),
  )
})
