import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { loadConfig, parseConfig } from '../../../src/proxy/config/load-config.ts'

const file = '/srv/app/proxy.json'

function problemsOf(text: string): string[] {
  const error = failureOf(text)
  return error.message
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
}

function failureOf(text: string): CserviceError {
  try {
    parseConfig(text, file)
  } catch (error) {
    if (error instanceof CserviceError && error.code === 'CONFIG_INVALID') return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a configuration', () => {
  it('has the defaults of the contract when the file says nothing', () => {
    const { config, warnings } = parseConfig('{}', file)
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      file,
      versionPath: '/srv/app',
      defaultVersion: null,
      versionHeader: 'x-version',
      servedVersionHeader: true,
      workerFilename: 'worker.js',
      workerCount: availableParallelism(),
      bindings: [
        { port: 80, host: null, workerCount: 2, tlsOptions: null, redirect: null, proxyProtocol: false, http2: false },
      ],
      versionPorts: { min: 11000, max: 12000 },
      nonDefaultWorkerCount: 1,
      nonDefaultWorkerIdleTime: 3600,
      maxRunningVersions: 20,
      warmSpares: 1,
      warmSpareMemory: 128,
      startTimeout: 60,
      gateTimeout: 30,
      gateLimit: 1000,
      answerTimeout: 60,
      connectTimeout: 5,
      headTimeout: 15,
      bodyTimeout: 60,
      sendTimeout: 60,
      keepAliveTimeout: 75,
      upgradeIdleTimeout: 0,
      maxConnections: 20_000,
      maxRequestsInFlight: 0,
      maxHeaderSize: 16_384,
      maxBodySize: 0,
      drainTimeout: 60,
      stopTimeout: 10,
      trustProxy: [],
      accessLog: null,
      health: null,
    })
  })

  it('may have comments, trailing commas, a byte-order mark and a $schema', () => {
    const text = '\uFEFF// head\r\n{\r\n  "$schema": "x", /* why */\r\n  "workerCount": 3,\r\n}\r\n// tail'
    const { config, warnings } = parseConfig(text, file)
    expect(config.workerCount).toBe(3)
    expect(warnings).toEqual([])
  })

  it('lowers the version header, so that X-App-Version matches', () => {
    expect(parseConfig('{"versionHeader":"X-App-Version"}', file).config.versionHeader).toBe('x-app-version')
  })

  it('resolves relative paths against the folder of the file', () => {
    const text = JSON.stringify({
      versionPath: '../versions',
      accessLog: 'log/access.log',
      bindings: [
        {
          port: 443,
          tlsOptions: { key: 'tls/key.pem', cert: ['a.pem', '/b.pem'], passphrase: 'p', minVersion: 'TLSv1.3' },
        },
      ],
    })
    const { config } = parseConfig(text, file)
    expect(config.versionPath).toBe('/srv/versions')
    expect(config.accessLog).toBe('/srv/app/log/access.log')
    expect(config.bindings[0]?.tlsOptions).toEqual({
      key: '/srv/app/tls/key.pem',
      cert: ['/srv/app/a.pem', '/b.pem'],
      passphrase: 'p',
      minVersion: 'TLSv1.3',
    })
  })

  it('puts the ranges in place of their names', () => {
    const text = '{"trustProxy":["192.0.2.1","loopback"],"bindings":[{"port":80,"proxyProtocol":true}]}'
    const { config } = parseConfig(text, file)
    expect(config.trustProxy).toEqual(['192.0.2.1', '127.0.0.0/8', '::1'])
    expect(config.bindings[0]?.proxyProtocol).toBe(true)
  })

  it('takes an empty list of bindings as the default binding', () => {
    expect(parseConfig('{"bindings":[]}', file).config.bindings).toHaveLength(1)
  })

  it('keeps the content as it was written, unknown keys included', () => {
    expect({ ...parseConfig('{"colour":"blue","workerCount":1}', file).config.raw }).toEqual({
      colour: 'blue',
      workerCount: 1,
    })
  })

  it('speaks HTTP/2 where there is TLS, unless it is told otherwise', () => {
    const tlsOptions = { pem: 'app.pem' }
    const bindings = [
      { port: 1, tlsOptions },
      { port: 2, tlsOptions, http2: false },
      { port: 3 },
      { port: 4, http2: true },
    ]
    const { config } = parseConfig(JSON.stringify({ bindings }), file)
    expect(config.bindings.map(({ http2 }) => http2)).toEqual([true, false, false, true])
  })

  it.each([
    ['0 stops idling out', { nonDefaultWorkerIdleTime: 0 }],
    ['0 waits for ever for an answer', { answerTimeout: 0 }],
    ['times may have a fraction', { startTimeout: 0.5 }],
    ['a range of one port', { versionPorts: '65535-65535' }],
    ['a null default version', { defaultVersion: null }],
    ['a worker file without its extension', { workerFilename: 'bin/worker' }],
    ['a redirect to a port', { bindings: [{ port: 80, redirect: 443 }] }],
    ['a redirect to a URL', { bindings: [{ port: 80, redirect: 'https://example.com/x' }] }],
    ['addresses and ranges to trust', { trustProxy: ['10.0.0.0/8', '::1', 'fe80::/10', '192.0.2.1'] }],
    ['names of ranges to trust', { trustProxy: ['loopback', 'linklocal', 'private', '192.0.2.1'] }],
    ['the PROXY protocol of whom it trusts', { trustProxy: ['::1'], bindings: [{ port: 80, proxyProtocol: true }] }],
    ['no PROXY protocol, without trust', { bindings: [{ port: 80, proxyProtocol: false }] }],
    [
      '0 for limits that there are none of',
      { maxConnections: 0, maxRequestsInFlight: 0, maxBodySize: 0, bodyTimeout: 0 },
    ],
  ])('allows %s', (_, value) => {
    expect(() => parseConfig(JSON.stringify(value), file)).not.toThrow()
  })
})

describe('a wrong value', () => {
  it('is told with file, line, column, path, what was found and what is allowed', () => {
    const text = '{\n  "bindings": [\n    {\n      "port": "80x"\n    }\n  ]\n}'
    const error = failureOf(text)
    expect(error.message).toBe(
      `${file} has a problem:\n  proxy.json:4:15 bindings[0].port: found "80x", allowed: a whole number from 1 to 65535`,
    )
    expect(error.details).toEqual({
      file,
      problems: [
        { path: 'bindings[0].port', line: 4, column: 15, found: '"80x"', allowed: 'a whole number from 1 to 65535' },
      ],
    })
  })

  it('is told together with all the others, in the order of the file', () => {
    const text = '{\n"versionPorts": "9-1",\n"workerCount": -1,\n"bindings": [{}],\n"defaultVersion": "../x" }'
    expect(problemsOf(text)).toEqual([
      'proxy.json:2:17 versionPorts: found "9-1", allowed: "min-max", two ports from 1 to 65535, the lower one first',
      'proxy.json:3:16 workerCount: found -1, allowed: a whole number from 1 to 1024',
      'proxy.json:4:14 bindings[0].port: found nothing, allowed: a whole number from 1 to 65535',
      expect.stringMatching(/^proxy\.json:5:19 defaultVersion: found "\.\.\/x", allowed: a version name: /),
    ])
  })

  it('says the unit where a number could be taken for something else', () => {
    expect(() => parseConfig('{ "maxBodySize": "10mb" }', file)).toThrow(
      'found "10mb", allowed: a whole number of bytes from 0',
    )
    expect(() => parseConfig('{ "warmSpareMemory": 0 }', file)).toThrow('a whole number of MiB from 1 to 1048576')
  })

  it.each([
    [{ versionPorts: '0-10' }, 'versionPorts'],
    [{ versionPorts: '1-65536' }, 'versionPorts'],
    [{ versionPorts: 11000 }, 'versionPorts'],
    [{ versionHeader: 'x version' }, 'versionHeader'],
    [{ versionHeader: 'Host' }, 'versionHeader'],
    [{ workerFilename: '../worker.js' }, 'workerFilename'],
    [{ workerFilename: '/worker.js' }, 'workerFilename'],
    [{ workerFilename: 'a/../../b' }, 'workerFilename'],
    [{ workerFilename: '.' }, 'workerFilename'],
    [{ workerFilename: '' }, 'workerFilename'],
    [{ workerCount: 1.5 }, 'workerCount'],
    [{ workerCount: null }, 'workerCount'],
    [{ startTimeout: 0 }, 'startTimeout'],
    [{ gateTimeout: 1e12 }, 'gateTimeout'],
    [{ trustProxy: ['10.0.0.0/33'] }, 'trustProxy[0]'],
    [{ trustProxy: ['proxy.example'] }, 'trustProxy[0]'],
    [{ trustProxy: ['10.0.0.0/8', 'Loopback'] }, 'trustProxy[1]'],
    [{ trustProxy: ['constructor'] }, 'trustProxy[0]'],
    [{ trustProxy: ['fe80::1%eth0'] }, 'trustProxy[0]'],
    [{ bindings: [{ port: 80 }, { port: 81, proxyProtocol: true }] }, 'bindings[1].proxyProtocol'],
    [{ trustProxy: [], bindings: [{ port: 80, proxyProtocol: true }] }, 'bindings[0].proxyProtocol'],
    [{ bindings: [{ port: 80, proxyProtocol: 'v2' }] }, 'bindings[0].proxyProtocol'],
    [{ headTimeout: 0 }, 'headTimeout'],
    [{ bodyTimeout: -1 }, 'bodyTimeout'],
    [{ connectTimeout: 0 }, 'connectTimeout'],
    [{ keepAliveTimeout: '75' }, 'keepAliveTimeout'],
    [{ maxConnections: -1 }, 'maxConnections'],
    [{ maxHeaderSize: 100 }, 'maxHeaderSize'],
    [{ maxBodySize: '10m' }, 'maxBodySize'],
    [{ maxRequestsInFlight: 1.5 }, 'maxRequestsInFlight'],
    [{ servedVersionHeader: 'no' }, 'servedVersionHeader'],
    [{ defaultVersion: '.hidden' }, 'defaultVersion'],
    [{ bindings: { port: 80 } }, 'bindings'],
    [{ bindings: [80] }, 'bindings[0]'],
    [{ bindings: [{ port: 80, redirect: 'ftp://x' }] }, 'bindings[0].redirect'],
    [{ bindings: [{ port: 80, redirect: 'https://x/?a=' }] }, 'bindings[0].redirect'],
    [{ bindings: [{ port: 443, redirect: 443 }] }, 'bindings[0].redirect'],
    [{ bindings: [{ port: 80, tlsOptions: { local: true, pem: 'a.pem' } }] }, 'bindings[0].tlsOptions'],
    [{ bindings: [{ port: 80, tlsOptions: { local: false } }] }, 'bindings[0].tlsOptions'],
    [{ bindings: [{ port: 80, tlsOptions: { local: true, names: ['a b'] } }] }, 'bindings[0].tlsOptions.names[0]'],
    [{ bindings: [{ port: 80, tlsOptions: { local: true, names: [] } }] }, 'bindings[0].tlsOptions.names'],
    [{ bindings: [{ port: 80, tlsOptions: { key: 'key.pem' } }] }, 'bindings[0].tlsOptions'],
    [{ bindings: [{ port: 80, tlsOptions: { pfx: 7 } }] }, 'bindings[0].tlsOptions.pfx'],
  ])('is refused: %j', (value, path) => {
    expect(failureOf(JSON.stringify(value)).details).toMatchObject({ problems: [{ path }] })
  })

  it('that is only quoted by mistake is told so', () => {
    expect(problemsOf('{"workerCount":"4","servedVersionHeader":"false"}')).toEqual([
      'proxy.json:1:16 workerCount: found "4", allowed: a whole number from 1 to 1024, without quotes',
      'proxy.json:1:42 servedVersionHeader: found "false", allowed: true or false, without quotes',
    ])
  })

  it('never shows what stands in tlsOptions', () => {
    const tlsOptions = { key: 'k', cert: 'c', passphrase: ['hunter2'], pfx: { secret: 'hunter2' }, pem: '' }
    const error = failureOf(JSON.stringify({ bindings: [{ port: 0, tlsOptions }] }))
    expect(JSON.stringify(error) + error.message).not.toContain('hunter2')
    expect(problemsOf('{"bindings":[{"port":1,"tlsOptions":{"key":"k","cert":"c","passphrase":12345}}]}')).toEqual([
      'proxy.json:1:72 bindings[0].tlsOptions.passphrase: found a number, allowed: a string',
    ])
  })

  it('is refused when a binding has a port that another one has, or that workers would be given', () => {
    const text = '{"versionPorts":"9000-9001","bindings":[{"port":80},{"port":80},{"port":9001}]}'
    expect(problemsOf(text).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'bindings[1].port: found 80 again, allowed: a port that no other binding has (bindings[0] has this one)',
      'bindings[2].port: found 9001, allowed: a port outside versionPorts (9000-9001)',
    ])
    expect(failureOf('{"bindings":[{"port":11000}]}').message).toContain('11000-12000')
  })
})

describe('a fault of the syntax', () => {
  it.each([
    ['{\n  "a": 1\n  "b": 2\n}', 'proxy.json:3:3: found no comma, allowed: a comma after the value before it'],
    ['{ "a": tru }', 'proxy.json:1:8: found a bare word'],
    ['{ "a": 1', 'the end of the file, allowed: a closing }'],
    ['{ "a": "x\n }', 'a string without an end'],
    ['', 'proxy.json:1:1: found an empty file, allowed: an object'],
    [' \n// nothing here\n', 'found an empty file'],
    ['\uFEFF', 'found an empty file'],
    ['[]', 'proxy.json:1:1: found an empty list, allowed: an object'],
    ['"x"', 'found "x", allowed: an object'],
    ['null', 'found null, allowed: an object'],
  ])('%j is told where it is', (text, message) => {
    expect(failureOf(text).message).toContain(message)
  })

  it('does not show a passphrase that stands near it', () => {
    expect(failureOf('{ "passphrase": hunter2 }').message).not.toContain('hunter2')
  })

  it('a key that stands twice is told, however deep', () => {
    expect(problemsOf('{\n"workerCount": 1,\n"workerCount": 2,\n"bindings":[{"port":1,"port":2}]}')).toEqual([
      'proxy.json:3:1 workerCount: found the key a second time, allowed: once (it is in line 2)',
      'proxy.json:4:23 bindings[0].port: found the key a second time, allowed: once (it is in line 4)',
    ])
  })

  it('is an error of the catalogue for any text at all', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.string({ unit: fc.constantFrom(...'{}[]":,\\/*a1 \n') })),
        (text) => {
          try {
            parseConfig(text, file)
          } catch (error) {
            expect(error).toBeInstanceOf(CserviceError)
          }
        },
      ),
    )
  })
})

describe('an unknown key', () => {
  it('is a warning with its line and the nearest name, and no error', () => {
    const { warnings } = parseConfig('{\n  "versonHeader": "x",\n  "bindings": [{ "port": 1,\n "hots": "" }]\n}', file)
    expect(warnings.map(({ message }) => message)).toEqual([
      'proxy.json:2:3 versonHeader: found an unknown key, allowed: perhaps versionHeader',
      'proxy.json:4:2 bindings[0].hots: found an unknown key, allowed: perhaps host',
    ])
  })

  it('in tlsOptions is one as well: what nobody reads there would be ignored without a word', () => {
    const tlsOptions = {
      cert: 'a.pem',
      key: 'a.key',
      requestCerts: true,
      minVersionn: 'TLSv1.3',
      ciphers: 'HIGH',
      sessionTimeout: 60,
      handshakeTimeout: 1,
    }
    const { warnings } = parseConfig(JSON.stringify({ bindings: [{ port: 1, tlsOptions }] }), file)
    expect(warnings.map(({ path, allowed }) => [path, allowed])).toEqual([
      ['bindings[0].tlsOptions.requestCerts', 'perhaps requestCert'],
      ['bindings[0].tlsOptions.minVersionn', 'perhaps minVersion'],
      [
        'bindings[0].tlsOptions.handshakeTimeout',
        'options of tls.createServer of Node that the gateway does not set itself (http2, headTimeout)',
      ],
    ])
  })

  it('of which nothing is near names all that there are', () => {
    const { warnings } = parseConfig('{ "colour": "blue", "__proto__": 1 }', file)
    expect(warnings.map(({ path }) => path)).toEqual(['colour', '__proto__'])
    expect(warnings[0]?.allowed).toContain('versionPath, defaultVersion')
  })
})

describe('a file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cservice-load-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is read from disk', async () => {
    await writeFile(join(folder, 'proxy.json'), '{ "workerCount": 7 }')
    const { config } = await loadConfig(join(folder, 'proxy.json'))
    expect(config).toMatchObject({ workerCount: 7, versionPath: folder })
  })

  it('that is missing, a folder, or below a file, is told as such', async () => {
    await writeFile(join(folder, 'x'), '')
    const missing = join(folder, 'none.json')
    await expect(loadConfig(missing)).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: `There is no file ${missing}`,
    })
    await expect(loadConfig(folder)).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: expect.stringContaining('is a folder'),
    })
    await expect(loadConfig(join(folder, 'x', 'proxy.json'))).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' })
  })

  it('that is not UTF-8 is refused rather than damaged later', async () => {
    await writeFile(join(folder, 'proxy.json'), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))
    await expect(loadConfig(join(folder, 'proxy.json'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
