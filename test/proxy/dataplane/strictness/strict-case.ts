/** What a client gets: a status; `close` for a connection that is ended without a word. */
export type Outcome = number | 'close'

/** Some bytes, and what the front door makes of them. */
export interface StrictCase {
  readonly name: string
  /** RFC and section, `9112 3.2` say. */
  readonly section: string
  /** One character a byte. */
  readonly bytes: string
  /** What we do stands first; the others would do as well by the RFC. */
  readonly allowed: readonly [Outcome, ...Outcome[]]
  /** The client ends its side after these bytes: the message is cut off. */
  readonly isCutOff?: boolean
  /** The connection is closed after the answer, although the request was carried out. */
  readonly closes?: boolean
  /** What the worker has to see of it, where it sees anything. */
  readonly body?: string
  /** Bytes are left behind the request that are none themselves: what follows is refused. */
  readonly leavesRubbish?: boolean
}

type Details = Omit<StrictCase, 'name' | 'section' | 'bytes' | 'allowed'>

export function strictCase(
  section: string,
  name: string,
  bytes: string,
  allowed: StrictCase['allowed'],
  details: Details = {},
): StrictCase {
  return { section, name, bytes, allowed, ...details }
}

/** A head without a `Host` of ours. */
export function bare(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** A head with a `Host`. */
export function head(line: string, ...fields: string[]): string {
  return bare(line, 'Host: example.test', ...fields)
}

/** A request without a body, with these fields. */
export function get(...fields: string[]): string {
  return head('GET / HTTP/1.1', ...fields)
}

/** A request with a body, with these fields. */
export function post(fields: readonly string[], body = ''): string {
  return head('POST / HTTP/1.1', ...fields) + body
}

/** A request with a body in chunks, which stands there as it is sent. */
export function chunked(body: string): string {
  return post(['Transfer-Encoding: chunked'], body)
}

/** What must never be taken for a request. */
export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n'

/** Malformed: refused, and nothing behind it is read. */
export const refused: StrictCase['allowed'] = [400, 'close']
