import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectPlain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { crc32c } from '../../../src/proxy/dataplane/proxy-protocol/crc32c.ts'
import { type ProxyHeader, parseProxyHeader } from '../../../src/proxy/dataplane/proxy-protocol/parse-header.ts'
import { makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { eventually, get, RawClient, refused, startGateway, startRawWorker, type Worker } from './harness.ts'

const signature = '0d0a0d0a000d0a515549540a'

/** A header of version 2. */
function binary(command: number, family: number, block: Buffer, length = block.length): Buffer {
  const head = Buffer.from(`${signature}00000000`, 'hex')
  head[12] = command
  head[13] = family
  head.writeUInt16BE(length, 14)
  return Buffer.concat([head, block])
}

function tlv(type: number, value: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0])
  head.writeUInt16BE(value.length, 1)
  return Buffer.concat([head, value])
}

/** The same header with a checksum at its end, made as the specification says. */
function withChecksum(command: number, family: number, block: Buffer): Buffer {
  const header = binary(command, family, Buffer.concat([block, tlv(3, Buffer.alloc(4))]))
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}

const block4 = Buffer.from('c0000207c0000201123400500000', 'hex').subarray(0, 12)
const block6 = Buffer.from('20010db800000000000000000000000720010db800000000000000000000000112340050', 'hex')
const told = (size: number, address: string): ProxyHeader => ({ size, source: { kind: 'told', address } })
const other = (size: number, kind: 'own' | 'unknown'): ProxyHeader => ({ size, source: { kind } })

describe('a header', () => {
  test('CRC32c is that of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc32c(Buffer.from('12xx56789'), 2, 4)).toBe(crc32c(Buffer.from('12\0\x0056789')))
  })

  test.each([
    ['PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n', '192.0.2.7'],
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', '255.255.255.255'],
    ['PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n', '0.0.0.0'],
    ['PROXY TCP6 2001:db8::7 ::1 4711 80\r\n', '2001:db8::7'],
    [
      'PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::1 65535 65535\r\n',
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    ],
  ])('of version 1 says where the client is: %j', (line, address) => {
    expect(parseProxyHeader(Buffer.from(`${line}GET /`))).toEqual(told(line.length, address))
  })

  test.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN whatever it is\r\n', `PROXY UNKNOWN ${'f'.repeat(107 - 16)}\r\n`])(
    'of version 1 may say nothing: %j',
    (line) => {
      expect(parseProxyHeader(Buffer.from(`${line}GET /`))).toEqual(other(line.length, 'unknown'))
    },
  )

  test.each([
    'GET / HTTP/1.1\r\n\r\n',
    'PROXY\r\n',
    'PROXX TCP4',
    'proxy TCP4 192.0.2.7 192.0.2.1 4711 80\r\n',
    'PROXY  TCP4 192.0.2.7 192.0.2.1 4711 80\r\n',
    'PROXY TCP4 192.0.2.7  192.0.2.1 4711 80\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80 \r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n',
    'PROXY TCP4 192.0.2.07 192.0.2.1 4711 80\r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.1 4711 80\r\n',
    'PROXY TCP4 2001:db8::7 ::1 4711 80\r\n',
    'PROXY TCP6 192.0.2.7 192.0.2.1 4711 80\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 4711 80\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 65536 80\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 04711 80\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 -1 80\r\n',
    'PROXY TCP5 192.0.2.7 192.0.2.1 4711 80\r\n',
    'PROXY UNKNOWNX\r\n',
    'PROXY UNKNOWN\rx\r\n',
    `PROXY UNKNOWN ${'f'.repeat(107 - 15)}\r\n`,
    `PROXY UNKNOWN ${'f'.repeat(200)}`,
    '\x16\x03\x01\x02\x00',
  ])('is none of version 1: %j', (line) => {
    expect(parseProxyHeader(Buffer.from(line, 'latin1'))).toBe('bad')
  })

  test.each([
    ['TCP over IPv4', binary(0x21, 0x11, block4), told(28, '192.0.2.7')],
    ['TCP over IPv6', binary(0x21, 0x21, block6), told(52, '2001:db8::7')],
    [
      'IPv4 mapped to IPv6',
      binary(0x21, 0x21, Buffer.from(`00000000000000000000ffffc0000207${'00'.repeat(20)}`, 'hex')),
      told(52, '::ffff:192.0.2.7'),
    ],
    ['a Unix socket', binary(0x21, 0x31, Buffer.alloc(216)), other(232, 'unknown')],
    ['UDP', binary(0x21, 0x12, block4), other(28, 'unknown')],
    ['nothing', binary(0x21, 0x00, Buffer.alloc(0)), other(16, 'unknown')],
    ['nothing, at length', binary(0x21, 0x00, Buffer.alloc(9, 0xff)), other(25, 'unknown')],
    ['a health check', binary(0x20, 0x00, Buffer.alloc(0)), other(16, 'own')],
    ['a health check whose addresses are to be ignored', binary(0x20, 0x11, block4), other(28, 'own')],
    ['a health check of whatever family and length', binary(0x20, 0xff, Buffer.alloc(5, 0xff)), other(21, 'own')],
    [
      'extensions, skipped',
      binary(
        0x21,
        0x11,
        Buffer.concat([block4, tlv(2, Buffer.from('a.test')), tlv(4, Buffer.alloc(0)), tlv(0xea, Buffer.alloc(9))]),
      ),
      told(52, '192.0.2.7'),
    ],
    ['a checksum that is right', withChecksum(0x21, 0x11, block4), told(35, '192.0.2.7')],
    [
      'the longest there may be',
      binary(0x21, 0x11, Buffer.concat([block4, tlv(4, Buffer.alloc(4096 - 31))])),
      told(4096, '192.0.2.7'),
    ],
  ])('of version 2 with %s', (_name, bytes, expected) => {
    expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('GET /')]))).toEqual(expected)
  })

  const broken = withChecksum(0x21, 0x11, block4)
  broken[20] = 9
  test.each([
    ['another version', binary(0x11, 0x11, block4)],
    ['another command', binary(0x22, 0x11, block4)],
    ['another family', binary(0x21, 0x41, block4)],
    ['another protocol', binary(0x21, 0x13, block4)],
    ['addresses too short', binary(0x21, 0x11, block4.subarray(1))],
    ['an IPv4 block for IPv6', binary(0x21, 0x21, block4)],
    ['a Unix block too short', binary(0x21, 0x31, Buffer.alloc(215))],
    ['a signature with a fault', Buffer.from('0d0a0d0a000d0a515549540b', 'hex')],
    ['a length that nobody needs', binary(0x21, 0x11, block4, 4081)],
    ['the same in a health check', binary(0x20, 0x00, Buffer.alloc(0), 65_535)],
    ['a checksum that is wrong', broken],
    ['a checksum of three bytes', binary(0x21, 0x11, Buffer.concat([block4, tlv(3, Buffer.alloc(3))]))],
    ['an extension that is cut', binary(0x21, 0x11, Buffer.concat([block4, Buffer.from([4, 0])]))],
    ['an extension that runs over the end', binary(0x21, 0x11, Buffer.concat([block4, Buffer.from([4, 0, 2, 1])]))],
  ])('is none of version 2: %s', (_name, bytes) => {
    expect(parseProxyHeader(bytes)).toBe('bad')
  })

  const ports = fc.nat(65_535)
  const line = fc.oneof(
    fc.tuple(fc.constant('TCP4'), fc.ipV4(), fc.ipV4(), ports, ports).map((parts) => `PROXY ${parts.join(' ')}\r\n`),
    fc.tuple(fc.constant('TCP6'), fc.ipV6(), fc.ipV6(), ports, ports).map((parts) => `PROXY ${parts.join(' ')}\r\n`),
    fc.constant('PROXY UNKNOWN\r\n'),
  )
  const extensions = fc
    .array(fc.tuple(fc.integer({ min: 4, max: 255 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 4 })
    .map((list) => Buffer.concat(list.map(([type, value]) => tlv(type, Buffer.from(value)))))
  const v2 = fc
    .tuple(
      fc.constantFrom(0x11, 0x12, 0x21, 0x22, 0x31),
      fc.uint8Array({ minLength: 216, maxLength: 216 }),
      extensions,
      fc.boolean(),
    )
    .map(([family, addresses, more, isSummed]) => {
      const length = { 1: 12, 2: 36, 3: 216 }[family >> 4] ?? 0
      const block = Buffer.concat([Buffer.from(addresses.subarray(0, length)), more])
      return isSummed ? withChecksum(0x21, family, block) : binary(0x21, family, block)
    })
  const header = fc.oneof(
    line.map((text) => Buffer.from(text)).filter((bytes) => bytes.length <= 107),
    v2,
  )

  test('is not taken before it is whole, and then ends where it ends, whatever follows', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 50 }), (bytes, rest) => {
        for (let cut = 0; cut < bytes.length; cut++) expect(parseProxyHeader(bytes.subarray(0, cut))).toBe('more')
        const whole = parseProxyHeader(Buffer.concat([bytes, rest]))
        expect(whole).toMatchObject({ size: bytes.length })
        expect(parseProxyHeader(bytes)).toEqual(whole)
      }),
    )
  })

  test('that is changed anywhere is bad, or waits for more, or is another one: nothing throws, and bad stays bad', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    fc.assert(
      fc.property(header, fc.array(change, { minLength: 1, maxLength: 3 }), (bytes, changes) => {
        const changed = Buffer.from(bytes)
        for (const [at, value] of changes) changed[at % changed.length] = value
        let last: ReturnType<typeof parseProxyHeader> = 'more'
        for (let cut = 0; cut <= changed.length; cut++) {
          const now = parseProxyHeader(changed.subarray(0, cut))
          if (last !== 'more') expect(now).toEqual(last)
          if (typeof now === 'object') expect(now.size).toBeLessThanOrEqual(cut)
          last = now
        }
      }),
      { numRuns: 300 },
    )
  })

  test('never waits for more than its limit, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.constantFrom('', 'PROXY ', 'PROXY UNKNOWN ', signature),
        (bytes, begin) => {
          const start = begin === signature ? Buffer.from(begin, 'hex') : Buffer.from(begin)
          const all = Buffer.concat([start, Buffer.from(bytes), Buffer.alloc(4_096, 0x20)])
          expect(parseProxyHeader(all)).not.toBe('more')
        },
      ),
    )
  })
})

const line4 = 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n'
const pem = join(import.meta.dirname, 'fixtures', 'localhost.pem')

async function echoingWorker(): Promise<Worker> {
  return startRawWorker((socket) => {
    let unread = ''
    socket.on('data', (chunk) => {
      unread += chunk.toString('latin1')
      for (let end = unread.indexOf('\r\n\r\n'); end !== -1; end = unread.indexOf('\r\n\r\n')) {
        const head = unread.slice(0, end)
        unread = unread.slice(end + 4)
        const body = `<${/x-forwarded-for: (.*)/i.exec(head)?.[1]}|${/x-forwarded-proto: (.*)/i.exec(head)?.[1]}>`
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      }
    })
  })
}

async function gatewayBehindProxy(
  settings = {},
  tlsOptions: Readonly<Record<string, unknown>> | null = null,
  lanes: 'both' | 'general' = 'both',
) {
  const worker = await echoingWorker()
  return startGateway(
    { v1: [worker.target] },
    {
      binding: { port: 0, tlsOptions, redirect: null, proxyProtocol: true },
      trustProxy: ['127.0.0.1', '10.0.0.0/8'],
      ...settings,
    },
    lanes,
  )
}

/** A TLS client that sends some bytes ahead of its handshake. */
async function dialTls(port: number, options: ConnectionOptions, ...ahead: Buffer[]): Promise<RawClient> {
  const plain: Socket = connectPlain(port, '127.0.0.1')
  await new Promise((resolve) => plain.once('connect', resolve))
  plain.setNoDelay(true)
  for (const bytes of ahead) {
    plain.write(bytes)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...options })
  const client = new RawClient(socket)
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  return client
}

describe.each(['both', 'general'] as const)('behind a load balancer (lanes: %s)', (lanes) => {
  test.each([
    ['version 1', Buffer.from(line4), '192.0.2.7'],
    ['version 2', binary(0x21, 0x11, block4), '192.0.2.7'],
    ['version 2 with IPv6', binary(0x21, 0x21, block6), '2001:db8::7'],
    ['a health check', binary(0x20, 0x00, Buffer.alloc(0)), '127.0.0.1'],
    ['no address', Buffer.from('PROXY UNKNOWN\r\n'), 'unknown'],
  ])(
    'the worker hears the address in the header: %s, in one piece with the requests',
    async (_name, bytes, address) => {
      const gateway = await gatewayBehindProxy({}, null, lanes)
      const client = new RawClient(gateway.port)
      client.socket.write(Buffer.concat([bytes, Buffer.from(`${get()}${get()}`)]))
      expect((await client.until(/<.*<.*>$/s)).match(/<.*>/g)).toEqual([`<${address}|http>`, `<${address}|http>`])
    },
  )

  test.each([Buffer.from(line4), withChecksum(0x21, 0x11, block4)])('byte by byte as well (%#)', async (bytes) => {
    const gateway = await gatewayBehindProxy({}, null, lanes)
    const client = new RawClient(gateway.port)
    client.socket.setNoDelay(true)
    for (const byte of Buffer.concat([bytes, Buffer.from(get())])) {
      client.socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await client.until(/<.*>$/)).toContain('<192.0.2.7|http>')
  })

  test('TLS begins behind the header, and the address is that of the header there too', async () => {
    const gateway = await gatewayBehindProxy({}, { pem }, lanes)
    const clients = await Promise.all([
      dialTls(gateway.port, {}, Buffer.from(line4)),
      dialTls(gateway.port, {}, Buffer.from(line4.slice(0, 9)), Buffer.from(line4.slice(9))),
      dialTls(gateway.port, {}, binary(0x21, 0x21, block6)),
      dialTls(gateway.port, {}, binary(0x20, 0x00, Buffer.alloc(0))),
    ])
    const answers = await Promise.all(clients.map((client) => client.send(get()).until(/<.*>$/)))
    expect(answers.map((answer) => /<.*>$/.exec(answer)?.[0])).toEqual([
      '<192.0.2.7|https>',
      '<192.0.2.7|https>',
      '<2001:db8::7|https>',
      '<127.0.0.1|https>',
    ])
  })

  test('the certificate is still chosen by the name that the client asks for', async () => {
    const folder = temporaryFolder()
    const files = ['a.test', 'b.test'].map((name) =>
      writeCertificate(folder, name, makeCertificate({ names: [name], commonName: name })),
    )
    const tlsOptions = { cert: files.map(({ cert }) => cert), key: files.map(({ key }) => key) }
    const gateway = await gatewayBehindProxy({}, tlsOptions, lanes)
    for (const servername of ['b.test', 'a.test']) {
      const client = await dialTls(gateway.port, { servername }, Buffer.from(line4))
      expect((client.socket as TLSSocket).getPeerCertificate().subject.CN).toBe(servername)
      expect(await client.send(get()).until(/<.*>$/)).toContain('<192.0.2.7|https>')
    }
  })

  test('header and first TLS record may come in one piece', async () => {
    const gateway = await gatewayBehindProxy({}, { pem }, lanes)
    const plain = connectPlain(gateway.port, '127.0.0.1')
    plain.cork()
    plain.write(line4)
    const socket = connectTls({ socket: plain, rejectUnauthorized: false })
    const client = new RawClient(socket)
    setImmediate(() => plain.uncork())
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    expect(await client.send(get()).until(/<.*>$/)).toContain('<192.0.2.7|https>')
  })

  test('the access log and trust go by the address in the header', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'proxy-protocol-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const accessLog = join(folder, 'access.log')
    const gateway = await gatewayBehindProxy({ accessLog }, null, lanes)
    const claim = get('/', 'X-Forwarded-For: 198.51.100.9')
    const outside = new RawClient(gateway.port).send(`${line4}${claim}`)
    expect(await outside.until(/<.*>$/)).toContain('<192.0.2.7|http>')
    const inside = new RawClient(gateway.port).send(`PROXY TCP4 10.0.0.5 10.0.0.1 1 1\r\n${claim}`)
    expect(await inside.until(/<.*>$/)).toContain('<198.51.100.9, 10.0.0.5|http>')
    const nobody = new RawClient(gateway.port).send(`PROXY UNKNOWN\r\n${claim}`)
    expect(await nobody.until(/<.*>$/)).toContain('<unknown|http>')
    await gateway.process.stop(0)
    const lines = readFileSync(accessLog, 'utf8').trim().split('\n')
    expect(lines.map((text) => JSON.parse(text).client)).toEqual(['192.0.2.7', '198.51.100.9', 'unknown'])
  })
})

test.each([
  get(),
  'PROXY TCP4 192.0.2.7\r\n',
  `${line4.slice(0, 20)}\n`,
  Buffer.from(`${signature}11`, 'hex').toString('latin1'),
])('whoever sends no header is closed without a word, and counted: %j', async (bytes) => {
  const gateway = await gatewayBehindProxy()
  expect(await new RawClient(gateway.port).send(bytes).closed()).toBe('')
  expect(await refused(gateway, 'BAD_PROXY_HEADER')).toBe(1)
})

test('whoever is not trusted is closed without a word, and counted, whatever it sends', async () => {
  const gateway = await gatewayBehindProxy({ trustProxy: ['10.0.0.0/8'] })
  const client = new RawClient(gateway.port).send(`${line4}${get()}`)
  expect(await client.closed()).toBe('')
  expect(await refused(gateway, 'UNTRUSTED_PEER')).toBe(1)
  await gateway.configure({ trustProxy: ['127.0.0.1'] })
  expect(await new RawClient(gateway.port).send(`${line4}${get()}`).until(/<.*>$/)).toContain('<192.0.2.7|http>')
})

test('a header that does not come, or comes in drops, is not waited for longer than a head', async () => {
  const gateway = await gatewayBehindProxy({ headTimeout: 300 })
  const [silent, slow] = [new RawClient(gateway.port), new RawClient(gateway.port).send('PROXY UNKNOWN ')]
  const drip = setInterval(() => slow.socket.write('x'), 50)
  onTestFinished(() => clearInterval(drip))
  expect(await Promise.all([silent.closed(), slow.closed()])).toEqual(['', ''])
  expect(await refused(gateway, 'BAD_PROXY_HEADER')).toBe(1)
})

test('a client that leaves in the middle of its header, or of its handshake, leaves nothing behind', async () => {
  const gateway = await gatewayBehindProxy({}, { pem })
  for (const bytes of ['', 'PROXY TC', line4, `${line4}\x16\x03\x01`]) {
    const client = new RawClient(gateway.port)
    await new Promise((resolve) => client.socket.write(bytes || Buffer.alloc(0), resolve))
    client.socket.end()
    await client.closed()
  }
  const client = await dialTls(gateway.port, {}, Buffer.from(line4))
  expect(await client.send(get()).until(/<.*>$/)).toContain('<192.0.2.7|https>')
  client.socket.destroy()
  await gateway.process.stop(1_000)
  await eventually(() => client.isClosed)
})
