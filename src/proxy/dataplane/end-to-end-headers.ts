import { isOwnForwarding } from './forwarding.ts'

/** Fields that concern one connection only (RFC 9110 7.6.1), besides those that `Connection` names. */
const hopByHop = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authorization',
])
/** What a `Connection` field may not take away: without these the message would mean another thing. */
const essential = new Set(['host', 'content-length', 'date', 'expect', 'trailer'])

/** Whether the field concerns one connection only, whatever `Connection` says. */
export function isHopByHop(lowerName: string): boolean {
  return hopByHop.has(lowerName)
}

/** Calls `each` for the header lines that are meant for the other end, in order; `lowerName` is the name in lower case. */
export function forEachEndToEnd(
  rawHeaders: readonly string[],
  each: (name: string, value: string, lowerName: string) => void,
): void {
  const named = connectionOptions(rawHeaders)
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const lowerName = name.toLowerCase()
    if (hopByHop.has(lowerName)) continue
    // A client that names forwarding headers would hide itself: its load balancer passes `Connection` on as it came.
    if (named?.has(lowerName) && !essential.has(lowerName) && !isOwnForwarding(lowerName)) continue
    each(name, rawHeaders[index + 1] ?? '', lowerName)
  }
}

/** The options that the `Connection` fields list, in lower case; null if there are none. */
export function connectionOptions(rawHeaders: readonly string[]): Set<string> | null {
  let options: Set<string> | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    options ??= new Set()
    for (const option of (rawHeaders[index + 1] ?? '').split(',')) options.add(option.trim().toLowerCase())
  }
  return options
}

/** Trailer lines as pairs, without those that would change how a message is read (RFC 9110 6.5.1). */
export function trailerPairs(rawTrailers: readonly string[]): Array<[string, string]> {
  const pairs: Array<[string, string]> = []
  forEachEndToEnd(rawTrailers, (name, value, lowerName) => {
    if (!essential.has(lowerName) && isFieldValue(value)) pairs.push([name, value])
  })
  return pairs
}

/** The values of the lines with this name, in order. */
export function headerValues(rawHeaders: readonly string[], lowerName: string): string[] {
  const values: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(rawHeaders[index + 1] ?? '')
  }
  return values
}

/** Whether there is a line with this name. @param fields names and values in turn */
export function hasField(fields: readonly string[], lowerName: string): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? ''
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return true
  }
  return false
}

/** Whether it may stand in a header line (RFC 9110 5.5): no control characters. */
export function isFieldValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}
