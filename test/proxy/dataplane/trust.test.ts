import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import {
  addressOfNode,
  clientAddress,
  earlierForwarding,
  TrustedPeers,
} from '../../../src/proxy/dataplane/forwarding.ts'
import { plainAddress } from '../../../src/proxy/dataplane/peer.ts'
import { startRecordingWorker } from './fast/recording-worker.ts'
import { get, RawClient, startGateway, startRawWorker } from './harness.ts'

const trusted = new TrustedPeers(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'])

/** The client of a request that a peer passed on with these headers. */
function clientOf(address: string, ...headers: string[]): string {
  return clientAddress({ address, isEncrypted: false }, trusted, () => earlierForwarding(headers))
}

test.each([
  ['10.1.2.3', true],
  ['11.0.0.1', false],
  ['192.0.2.1', true],
  ['192.0.2.2', false],
  ['2001:db8:1::1', true],
  ['2001:db9::1', false],
  ['::ffff:10.1.2.3', true],
  ['unknown', false],
  ['', false],
  ['10.0.0.0/8', false],
  ['10.1', false],
])('whether %s is trusted is %s, the first time and from memory', (address, expected) => {
  const peers = new TrustedPeers(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'])
  expect([peers.has(address), peers.has(address)]).toEqual([expected, expected])
})

test('more addresses than are remembered are judged right as well', () => {
  for (let index = 0; index < 5_000; index++) {
    expect(trusted.has(`10.0.${index >> 8}.${index & 255}`)).toBe(true)
    expect(trusted.has(`11.0.${index >> 8}.${index & 255}`)).toBe(false)
  }
})

test('addresses are written one way: IPv4 where they are mapped, and without a zone', () => {
  expect(plainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(plainAddress('::FFFF:192.0.2.1')).toBe('192.0.2.1')
  expect(plainAddress('fe80::1%eth0')).toBe('fe80::1')
  expect(plainAddress('2001:db8::1')).toBe('2001:db8::1')
  expect(plainAddress(undefined)).toBe('unknown')
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7:4711', '192.0.2.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['"[2001:db8::7]:4711"', '2001:db8::7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['"192.0.2.7"', '192.0.2.7'],
  ['fe80::7%eth0', 'fe80::7'],
  ['unknown', null],
  ['_hidden', null],
  ['"_gazonk"', null],
  ['unix:', null],
  ['192.0.2', null],
  ['192.0.2.7:', null],
  ['192.0.2.7:99999999', null],
  ['[192.0.2.7]', null],
  ['[2001:db8::7', null],
  ['localhost', null],
  ['', null],
])('of the node %j the address is %j', (text, expected) => {
  expect(addressOfNode(text)).toBe(expected)
})

test.each([
  [
    'an untrusted peer is the client, whatever it says',
    '198.51.100.1',
    ['X-Forwarded-For', '10.0.0.1'],
    '198.51.100.1',
  ],
  ['a trusted peer that says nothing is the client', '10.0.0.1', [], '10.0.0.1'],
  ['behind it is whom it names', '10.0.0.1', ['X-Forwarded-For', '198.51.100.1'], '198.51.100.1'],
  ['what that one claims is not believed', '10.0.0.1', ['X-Forwarded-For', '10.9.9.9, 198.51.100.1'], '198.51.100.1'],
  [
    'a trusted hop in between is passed',
    '10.0.0.1',
    ['x-forwarded-for', '198.51.100.1, 10.0.0.2,10.0.0.3'],
    '198.51.100.1',
  ],
  [
    'several lines are one list',
    '10.0.0.1',
    ['X-Forwarded-For', '198.51.100.1', 'X-Forwarded-For', '10.0.0.2'],
    '198.51.100.1',
  ],
  ['where all are trusted it is the farthest', '10.0.0.1', ['X-Forwarded-For', '10.0.0.3, 10.0.0.2'], '10.0.0.3'],
  ['ports are left out', '10.0.0.1', ['X-Forwarded-For', '[2001:db9::1]:80'], '2001:db9::1'],
  ['mapped addresses are known', '10.0.0.1', ['X-Forwarded-For', '198.51.100.1, ::ffff:10.0.0.2'], '198.51.100.1'],
  ['garbage ends the search', '10.0.0.1', ['X-Forwarded-For', '198.51.100.1, <script>, 10.0.0.2'], '10.0.0.2'],
  ['so does a local socket', '10.0.0.1', ['X-Forwarded-For', '198.51.100.1, unix:'], '10.0.0.1'],
  ['so does an empty element', '10.0.0.1', ['X-Forwarded-For', '198.51.100.1,'], '10.0.0.1'],
  ['an empty field says nothing', '10.0.0.1', ['X-Forwarded-For', '', 'Forwarded', 'for=198.51.100.1'], '198.51.100.1'],
  [
    'Forwarded is read as well',
    '10.0.0.1',
    ['Forwarded', 'for=6.6.6.6, for="[2001:db9::1]:80";proto=https'],
    '2001:db9::1',
  ],
  ['in any case and order', '10.0.0.1', ['Forwarded', 'By=10.0.0.1; FOR=198.51.100.1'], '198.51.100.1'],
  [
    'an obfuscated node ends the search',
    '10.0.0.1',
    ['Forwarded', 'for=198.51.100.1, for=_secret, for=10.0.0.2'],
    '10.0.0.2',
  ],
  [
    'a Host in quotes cannot pass for an element',
    '10.0.0.1',
    ['Forwarded', 'host="x;for=6.6.6.6,for=6.6.6.6";for=198.51.100.1'],
    '198.51.100.1',
  ],
  ['an escaped quote ends none', '10.0.0.1', ['Forwarded', 'host="x\\",for=6.6.6.6";for=198.51.100.1'], '198.51.100.1'],
  [
    'X-Forwarded-For goes before Forwarded',
    '10.0.0.1',
    ['Forwarded', 'for=6.6.6.6', 'X-Forwarded-For', '198.51.100.1'],
    '198.51.100.1',
  ],
])('%s', (_name, peer, headers, expected) => {
  expect(clientOf(peer, ...headers)).toBe(expected)
})

test('whatever a trusted peer says, the client is an address that was told, and nothing throws', () => {
  const element = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('unknown', '"', '\\', ';', 'for=', '10.0.0.5'),
  )
  fc.assert(
    fc.property(fc.array(element), fc.constantFrom('X-Forwarded-For', 'Forwarded'), (elements, name) => {
      const separator = name === 'Forwarded' ? ',for=' : ','
      const value = elements.join(separator)
      const client = clientOf('10.0.0.1', name, value)
      expect(client === '10.0.0.1' || addressOfNode(client) === client).toBe(true)
    }),
  )
})

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
/** What the general lane says to workers, and the fast lane never does. */
const ofGeneralLane = /\r\nConnection: keep-alive\r\n/i

test('the fast lane carries the requests of a trusted peer: its own lines go on, ours have what it said before', async () => {
  let head = ''
  const worker = await startRawWorker((socket) =>
    socket.on('data', (chunk) => {
      head = String(chunk)
      socket.write(ok)
    }),
  )
  const gateway = await startGateway({ v1: [worker.target] }, { trustProxy: ['127.0.0.0/8'] })
  const client = new RawClient(gateway.port)
  client.send(
    get(
      '/',
      'X-Forwarded-For: 192.0.2.9',
      'X-Forwarded-Port:  443 ',
      'A: 1',
      'Forwarded: for=192.0.2.9',
      'X-Forwarded-For:192.0.2.8',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: first.test',
      'Keep-Alive: timeout=1',
      'X_Forwarded_For: 6.6.6.6',
      'X-Forwarded-Po_rt: 6',
      'X-Request-Id: mine',
      'X-Forwarded-Server: lb',
    ),
  )
  await client.until(/ok$/)
  expect(ofGeneralLane.test(head)).toBe(false)
  expect(head).toBe(
    [
      'GET / HTTP/1.1',
      'Host: example.test',
      'X-Forwarded-Port:  443 ',
      'A: 1',
      'X-Forwarded-Server: lb',
      'X-Forwarded-For: 192.0.2.9, 192.0.2.8, 127.0.0.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: first.test',
      'Forwarded: for=192.0.2.9, for=127.0.0.1;host=example.test;proto=http',
      'X-Request-Id: mine',
      '',
      '',
    ].join('\r\n'),
  )
  await client.send(get('/')).until(/ok$/)
  expect(head).toContain(
    '\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: example.test\r\n',
  )
  await gateway.configure({ trustProxy: [] })
  await client.send(get('/', 'X-Forwarded-For: 192.0.2.9', 'X-Forwarded-Port: 1')).until(/ok$/)
  expect(head).toContain('\r\nX-Forwarded-For: 127.0.0.1\r\n')
  expect(head).not.toMatch(/port/i)
  expect(ofGeneralLane.test(head)).toBe(false)
})

test('of a trusted peer both lanes make the same', { timeout: 120_000 }, async () => {
  const sides = await Promise.all(
    (['both', 'general'] as const).map(async (lanes) => {
      const worker = await startRecordingWorker(() => ok)
      return { worker, gateway: await startGateway({ v1: [worker.target] }, { trustProxy: ['127.0.0.1'] }, lanes) }
    }),
  )
  const name = fc.constantFrom(
    'X-Forwarded-For',
    'x-forwarded-for',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Forwarded-Port',
    'x-FORWARDED-',
    'Forwarded',
    'x_forwarded_for',
    'X-Forwarded-A_b',
    'X-Request-Id',
    'Keep-Alive',
    'X-A',
  )
  const value = fc.oneof(
    fc.constantFrom('', 'https', '192.0.2.1', ' 192.0.2.1:80 ', 'for=_x', 'for="[::1]:1";proto=https', 'unix:', ', ,'),
    fc.string({ unit: fc.constantFrom(...'ab1.:;="[], \t'), maxLength: 12 }),
  )
  const request = fc
    .array(fc.tuple(name, value), { maxLength: 7 })
    .map((fields) => get('/', ...fields.map(([field, text]) => `${field}:${text}`)))
  const clients = sides.map(({ gateway }) => new RawClient(gateway.port))
  await fc.assert(
    fc.asyncProperty(request, async (text) => {
      await Promise.all(clients.map((client) => client.send(text).until(/ok$/)))
      const [fast, general] = sides.map(({ worker }) => worker.requests.splice(0))
      expect(fast).toEqual(general)
      for (const { worker } of sides) expect(worker.faults).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test.each(['both', 'general'] as const)(
  'the access log names the client, not the load balancer (lanes: %s)',
  async (lanes) => {
    const folder = await mkdtemp(join(tmpdir(), 'trust-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const accessLog = join(folder, 'access.log')
    const worker = await startRawWorker((socket) => socket.on('data', () => socket.write(ok)))
    const gateway = await startGateway(
      { v1: [worker.target] },
      { accessLog, trustProxy: ['127.0.0.1', '10.0.0.0/8'] },
      lanes,
    )
    const client = new RawClient(gateway.port)
    await client.send(get('/', 'X-Forwarded-For: 6.6.6.6, 192.0.2.9, 10.0.0.1')).until(/ok$/)
    await client.send(get('/')).until(/ok$/)
    await client.send(get('/', 'Forwarded: for="[2001:db8::9]:80"')).until(/ok$/)
    await client.send(get('/', 'X-Forwarded-For: 192.0.2.9', 'x-version: none')).until(/UNKNOWN_VERSION/)
    client.socket.destroy()
    await gateway.process.stop(0)
    const lines = readFileSync(accessLog, 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).client)).toEqual(['192.0.2.9', '127.0.0.1', '2001:db8::9', '192.0.2.9'])
  },
)

test('a client cannot take forwarding headers of its load balancer away by naming them in Connection', async () => {
  let head = ''
  const worker = await startRawWorker((socket) =>
    socket.on('data', (chunk) => {
      head = String(chunk)
      socket.write(ok)
    }),
  )
  const gateway = await startGateway({ v1: [worker.target] }, { trustProxy: ['127.0.0.1'] })
  await new RawClient(gateway.port)
    .send(get('/', 'X-Forwarded-For: 192.0.2.9', 'Connection: X-Forwarded-For'))
    .until(/ok$/)
  expect(head).toContain('X-Forwarded-For: 192.0.2.9, 127.0.0.1\r\n')
})
