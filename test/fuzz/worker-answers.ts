import fc from 'fast-check'
import { cuts } from './client-streams.ts'
import type { SeenRequest } from './strict-request.ts'

/** An answer that is to be followed by the end of the connection says so with this. */
export const thenEnd = '<end>'

/** What a sound worker answers, by path. The body says whose request the worker has seen, and which, so that a mix-up shows. */
export function answerOf({ line, fields, body }: SeenRequest): string {
  const [method, path = ''] = line.split(' ')
  const text = `[${fields.find((field) => field.startsWith('host: '))} ${line}|${body.length}]`
  const unlessHead = (content: string): string => (method === 'HEAD' ? '' : content)
  const whole = (...more: string[]): string =>
    `HTTP/1.1 200 OK\r\n${[...more, `Content-Length: ${text.length}`].join('\r\n')}\r\n\r\n${unlessHead(text)}`
  if (path.startsWith('/chunked')) {
    const chunks = `1\r\n${text[0]}\r\n${(text.length - 1).toString(16)};x=y\r\n${text.slice(1)}\r\n0\r\nX-Sum: 1\r\n\r\n`
    return `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${unlessHead(chunks)}`
  }
  if (path.startsWith('/close')) return `HTTP/1.0 200 Fine\r\nX-A: 1\r\n\r\n${unlessHead(text)}${thenEnd}`
  if (path.startsWith('/none')) return 'HTTP/1.1 204 None\r\nContent-Length: 0\r\nX-A: \xe4\r\n\r\n'
  if (path.startsWith('/same')) return 'HTTP/1.1 304 Same\r\nETag: "x"\r\nContent-Length: 10\r\n\r\n'
  if (path.startsWith('/early'))
    return `HTTP/1.1 103 Early\r\nLink: x\r\n\r\n${whole('Set-Cookie: a', 'set-cookie: b')}`
  if (path.startsWith('/hop')) return whole('Connection: X-Hop, keep-alive', 'X-Hop: 1', 'x-served-version: forged')
  if (path.startsWith('/bad')) return 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
  return whole('Keep-Alive: timeout=9', 'Date: today')
}

/** What a hostile worker makes of a sound answer. */
export interface Twist {
  /** Position modulo the length, what is put in there, and how many bytes are taken out. */
  readonly edits: ReadonlyArray<readonly [number, string, number]>
  readonly where: readonly number[]
  /** Whether an answer that nobody has asked for comes a moment later, where it can be told from one that was. */
  readonly isFollowed: boolean
  /** What becomes of the connection behind it; one that stays is ended a moment later, so that nothing waits for ever. */
  readonly ending: 'stay' | 'end' | 'reset'
}

/** An answer that nobody has asked for. */
export const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n[h0000]evil'

export const twist: fc.Arbitrary<Twist> = fc.record({
  edits: fc.array(
    fc.tuple(
      fc.nat(),
      fc.oneof(
        fc.constantFrom('\r', '\n', '\0', ' ', '\t', ':', '0', '1', 'f', '\xe4', '\r\n', '\r\n\r\n', '', '0\r\n\r\n'),
        fc.constantFrom(
          'Content-Length: 3\r\n',
          'Content-Length:\t3 \r\n',
          'Transfer-Encoding: chunked\r\n',
          ' folded\r\n',
        ),
        fc.constantFrom('Connection: close\r\n', 'Connection: Content-Length\r\n', 'Keep-Alive: timeout=1\r\n'),
        fc.constantFrom('HTTP/1.1 100 Go\r\n\r\n', 'HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n'),
        fc.constantFrom(evil, `\r\n${evil}`, `0\r\n\r\n${evil}`),
      ),
      fc.constantFrom(0, 0, 1, 2, 30),
    ),
    { maxLength: 3 },
  ),
  where: cuts,
  isFollowed: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  ending: fc.constantFrom('stay', 'stay', 'end', 'reset'),
})

/** @returns the answer as the hostile worker sends it */
export function twisted(answer: string, { edits }: Twist): string {
  let bytes = answer.replace(thenEnd, '')
  for (const [position, inserted, removed] of edits) {
    const at = position % (bytes.length + 1)
    bytes = bytes.slice(0, at) + inserted + bytes.slice(at + removed)
  }
  return bytes
}
