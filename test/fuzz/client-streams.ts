import fc from 'fast-check'

const paths = ['/', '/chunked', '/close', '/none', '/same', '/early', '/hop', '/bad', '/%22?a=b&c', '//x']
/** What the fast lane carries. */
const plainFields = [
  'Accept: */*',
  'accept:text/html',
  'Cookie: a=b',
  'X-A:  spaced \t',
  'X-Forwarded-For: 192.0.2.1',
  'x_forwarded_for: 192.0.2.1',
  'Forwarded: for=x',
  'X-Request-Id: mine',
  'x-version: v1',
  'x-version: v2',
  'Connection: keep-alive',
  'Keep-Alive: timeout=1',
  'X-Hop: 1',
]
/** What it leaves to the general lane. */
const oddFields = [
  'x-version: nowhere',
  'Connection: x-a',
  'Connection: close, X-Hop',
  'Connection: content-length',
  'Connection: host, transfer-encoding',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'TE: trailers',
  'Proxy-Connection: keep-alive',
  'Proxy-Connection: close',
  'Trailer: X-T',
  'X-Obs: \xe4',
]
const field = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...plainFields) },
  { weight: 1, arbitrary: fc.constantFrom(...oddFields) },
)
const plainMethods = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const method = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...plainMethods) },
  { weight: 1, arbitrary: fc.constant('BREW') },
)
const body = fc
  .string({ unit: 'binary-ascii', maxLength: 30 })
  .map((text) => `${text}GET /smuggled HTTP/1.1\r\nHost: h0000\r\n\r\n`)
const framed = fc.oneof(
  { weight: 3, arbitrary: fc.constant('\r\n') },
  { weight: 2, arbitrary: body.map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(body, { maxLength: 3 }), fc.constantFrom('', ';ext=1'), fc.constantFrom('', 'X-T: 1\r\n'))
      .map(([parts, extension, trailer]) => {
        const chunks = parts.map((text) => `${text.length.toString(16)}${extension}\r\n${text}\r\n`)
        return `Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n${trailer}\r\n`
      }),
  },
)
const request = fc
  .tuple(method, fc.constantFrom(...paths), fc.array(field, { maxLength: 4 }), framed)
  .map(
    ([method, path, more, rest]) =>
      `${method} ${path} HTTP/1.1\r\nHost: h0000\r\n${more.map((field) => `${field}\r\n`).join('')}${rest}`,
  )
const mutation = fc.tuple(
  fc.nat(),
  fc.oneof(
    fc.constantFrom('\r', '\n', '\0', ' ', '\t', ':', '0', '1', 'f', '\xe4', '\r\n', '\r\n\r\n', ''),
    fc.constantFrom('Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: i\r\n', ' folded\r\n'),
  ),
  fc.nat(2),
)
/** What one client sends, and whether it is as it was meant. */
export const stream = fc.oneof({ weight: 1, arbitrary: streamWith(0) }, { weight: 1, arbitrary: streamWith(2) })
/** The same, mostly as it was meant: so that the answers matter. */
export const soundStream = fc.oneof({ weight: 6, arbitrary: streamWith(0) }, { weight: 1, arbitrary: streamWith(2) })

function streamWith(mutations: number) {
  return fc
    .tuple(fc.array(request, { minLength: 1, maxLength: 4 }), fc.array(mutation, { maxLength: mutations }))
    .map(([requests, made]) => {
      let bytes = requests.join('')
      for (const [position, inserted, removed] of made) {
        const at = position % bytes.length
        bytes = bytes.slice(0, at) + inserted + bytes.slice(at + removed)
      }
      return {
        bytes: `${bytes}GET /last HTTP/1.1\r\nHost: h0000\r\nConnection: close\r\n\r\n`,
        isSound: made.length === 0,
      }
    })
}

/** Where it is cut into packets: positions, modulo its length. */
export const cuts = fc.array(fc.nat(), { maxLength: 5 })
