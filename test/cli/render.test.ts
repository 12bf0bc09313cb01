import { expect, test } from 'vitest'
import { greeting } from '../../src/cli/greeting.ts'
import { staticHelpOf } from '../../src/cli/help.ts'
import { commandOf, knownUsages } from '../../src/cli/known-commands.ts'
import { render } from '../../src/cli/render.ts'
import { setEnvironment } from '../supervisor/control/resources.ts'

const info = {
  versionPath: '/srv/versions',
  liveVersion: 'v1',
  epoch: 12,
  portRange: { min: 11000, max: 12000 },
  options: { versionHeader: 'x-version' },
  proxyWorkers: [
    { port: 8080, ssl: false },
    { port: 8080, ssl: false },
    { port: 8443, ssl: true },
  ],
  versionWorkers: [],
  versions: [
    {
      name: 'v1',
      state: 'ready',
      workers: 2,
      ports: [11000, 11001],
      inFlight: 3,
      requests: 100,
      lastAccess: 2,
      error: null,
    },
    {
      name: 'v2',
      state: 'failed',
      workers: 0,
      ports: [],
      inFlight: 0,
      requests: 0,
      lastAccess: null,
      error: {
        code: 'WORKER_FAILED',
        message: 'v2 did not become ready',
        details: { exitCode: 1, stderr: ['Error: \u001b[31mboom\u001b[0m', '    at app.js:1\u0007'] },
      },
    },
  ],
}

test('proxy info is tables that a person can read, and says why a version does not run', () => {
  setEnvironment({ NO_COLOR: '1' })
  expect(render(['proxy', 'info'], info)).toMatchInlineSnapshot(`
    "live version  v1
    epoch         12
    versions      /srv/versions
    header        x-version
    worker ports  11000-12000

    binding                  proxy processes
    http://localhost:8080/   2
    https://localhost:8443/  1

    version    state   workers  ports        in flight  requests  last request
    v1 (live)  ready   2        11000 11001  3          100       2 s ago
    v2         failed  0        -            0          0         -

    v2 failed:
      code     WORKER_FAILED
      message  v2 did not become ready
      details
        exitCode  1
        stderr
          | Error: boom
          |     at app.js:1"
  `)
})

test('proxy info shows the certificates of bindings with TLS, and what is wrong with them', () => {
  setEnvironment({ NO_COLOR: '1' })
  const certificate = { key: 'RSA 2048', issuer: 'R99', validTo: '2031-02-03T04:05:06.000Z', warning: null }
  const names = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test']
  const bindings = [
    { port: 8080, tls: null },
    {
      port: 8443,
      tls: {
        certificates: [
          { ...certificate, names },
          { ...certificate, names: [], warning: 'expires in 3 days' },
        ],
        authority: null,
        error: 'no file /a',
      },
    },
    {
      port: 9443,
      tls: { certificates: [{ ...certificate, names: ['localhost'] }], authority: '/home/x/ca.pem', error: null },
    },
  ]
  const text = render(['proxy', 'info'], { ...info, bindings, versions: [] })
  expect(
    text.slice(text.indexOf('port  certificate'), text.indexOf('There are no versions')).trim(),
  ).toMatchInlineSnapshot(`
    "port  certificate for                    key       issuer  valid until
    8443  a.test b.test c.test d.test … (5)  RSA 2048  R99     2031-02-03
    8443  no name                            RSA 2048  R99     2031-02-03 expires in 3 days
    9443  localhost                          RSA 2048  R99     2031-02-03
    Port 8443: new certificates were refused: no file /a
    Port 9443: clients must trust /home/x/ca.pem"
  `)
})

test('proxy info says what was refused, the most frequent first, and nothing where nothing was', () => {
  setEnvironment({ NO_COLOR: '1' })
  const refused = { UNKNOWN_VERSION: 12, REQUEST_TOO_LARGE: 3 }
  expect(render(['proxy', 'info'], { ...info, refused })).toMatch(/^refused +12 UNKNOWN_VERSION, 3 REQUEST_TOO_LARGE$/m)
  expect(render(['proxy', 'info'], { ...info, refused: {} })).not.toContain('refused')
})

test('a proxy that is not there is said in words', () => {
  const text = render(['proxy', 'info'], { ...info, liveVersion: null, proxyWorkers: [], versions: [] })
  expect(text).toContain('No proxy is running.')
  expect(text).toContain('There are no versions')
})

test('other answers are keys and values, lists of flat objects tables', () => {
  setEnvironment({ NO_COLOR: '1' })
  expect(
    render(['info'], { workers: { active: 2 }, memory: { rss: 1 }, list: [], text: 'a\nb' }),
  ).toMatchInlineSnapshot(`
    "workers
      active  2
    memory
      rss  1
    list     []
    text     a
             b"
  `)
  expect(
    render(['mine'], {
      rows: [
        { id: 1, pid: 20 },
        { id: 2, state: 'ready' },
      ],
    }),
  ).toMatchInlineSnapshot(`
    "rows
      id  pid  state
      1   20   -
      2   -    ready"
  `)
  expect(render(['health'], 'OK')).toBe('OK')
  expect(render(['proxy', 'stop'], null)).toBe('Done.')
})

test('workers are a table; with details, everything', () => {
  setEnvironment({ NO_COLOR: '1' })
  const process = { memory: { rss: 52_428_800 }, uptime: 61.4 }
  const answer = {
    workers: [
      { id: 'a-1', pid: 20, state: 'ready', worker: 'v1', port: 11000, process },
      { id: 'a-2', pid: 21, state: 'starting', worker: 'v2', process: {} },
    ],
  }
  expect(render(['workers'], answer)).toMatchInlineSnapshot(`
    "pid  state     worker  port   memory  uptime
    20   ready     v1      11000  50 MiB  61 s
    21   starting  v2      -      -       -"
  `)
  expect(render(['workers', 'details'], answer)).toContain('a-1')
  expect(render(['workers'], { workers: [] })).toBe('No workers are running.')
})

test('help of one command stands below its usage, with its examples', () => {
  setEnvironment({ NO_COLOR: '1' })
  const help = {
    info: 'Steers the proxy.',
    command: 'proxy start|stop',
    'proxy start <path>': 'Starts it. Example: cservice proxy start proxy.json',
  }
  expect(render(['help', 'proxy'], help)).toMatchInlineSnapshot(`
    "Steers the proxy.

    Usage: proxy start|stop

    proxy start <path>
      Starts it.
      Example: cservice proxy start proxy.json"
  `)
})

test('help of a gateway shows how each command is used, and commands of its own by name', () => {
  const text = render(['help'], { more: 'Commands', commands: ['proxy', 'mine'] })
  expect(text).toContain('proxy promote <version> [n]')
  expect(text).toContain('mine')
  expect(render(['help', 'mine'], { info: 'My command', command: 'mine <x>' })).toContain('My command')
})

test('each command known without a gateway is explained with an example', () => {
  for (const name of knownUsages.map(commandOf)) expect(staticHelpOf(name)).toContain(`Example: cservice ${name}`)
  expect(staticHelpOf('constructor')).toBeNull()
})

test('the greeting says where the gateway is and what to type next', () => {
  setEnvironment({ NO_COLOR: '1' })
  expect(greeting(info, ' --port 2')).toMatchInlineSnapshot(`
    "The gateway is running on http://localhost:8080/, https://localhost:8443/
    Live version: v1
    Versions: v1, v2

    From another terminal:
      live version     curl http://localhost:8080/
      another version  curl -H 'x-version: v2' http://localhost:8080/
      make v2 live     cservice proxy promote v2 --port 2
      see what runs    cservice proxy info --port 2

    Ctrl-C stops it gracefully."
  `)
  expect(greeting({ ...info, versions: [], liveVersion: null, proxyWorkers: [] }, '')).toContain(
    'No version is live yet.',
  )
  const onAddress = {
    ...info,
    options: {
      bindings: [
        { port: 8080, host: '::1' },
        { port: 8443, host: '0.0.0.0' },
      ],
    },
  }
  expect(greeting(onAddress, '')).toContain('http://[::1]:8080/, https://localhost:8443/')
  expect(greeting(null, '')).toBe('The gateway is running.')
})

test('proxy why says where the request would go, and who was asked', () => {
  setEnvironment({ NO_COLOR: '1' })
  const answer = {
    version: 'v2.4.0',
    by: 'header',
    error: null,
    steps: [{ selector: 'header', found: '^2\u001b[31m', result: 'v2.4.0' }],
    state: 'cold',
    wouldStart: true,
    target: '/a',
    cookies: ['pin=v2'],
  }
  expect(render(['proxy', 'why', '/a'], answer).split('\n')).toEqual([
    'v2.4.0, by header',
    '',
    'state        cold: the request would start it',
    'worker gets  /a',
    'cookies',
    '  | pin=v2',
    '',
    'selector  found  result',
    'header    ^2     v2.4.0',
  ])
  const steps = [{ selector: 'header', found: 'v9', result: 'UNKNOWN_VERSION' }]
  const nowhere = {
    ...answer,
    version: null,
    by: null,
    error: 'UNKNOWN_VERSION',
    steps,
    state: null,
    wouldStart: false,
  }
  expect(render(['proxy', 'why', '/a'], { ...nowhere, target: null, cookies: [] }).split('\n')).toEqual([
    'No version: UNKNOWN_VERSION',
    '',
    'selector  found  result',
    'header    v9     UNKNOWN_VERSION',
  ])
})
