import { BlockList, isIP, isIPv6 } from 'node:net'
import { type Peer, plainAddress } from './peer.ts'

/** How many verdicts are kept. */
const cacheLimit = 1_024

/** The peers whose own forwarding headers, and PROXY protocol headers, are believed. */
export class TrustedPeers {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean
  /** A load balancer comes from few addresses, and a look-up in the list costs more than a request should pay. */
  readonly #verdicts = new Map<string, boolean>()

  /** @param ranges addresses and CIDR ranges */
  constructor(ranges: readonly string[]) {
    this.#isEmpty = ranges.length === 0
    for (const range of ranges) {
      const [address = '', prefix] = range.split('/')
      const family = isIPv6(address) ? 'ipv6' : 'ipv4'
      if (isIP(address) === 0) continue // the configuration has been checked; a name is no address
      if (prefix === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(prefix), family)
    }
  }

  /** @param address as `plainAddress` gives it */
  has(address: string): boolean {
    if (this.#isEmpty) return false
    let verdict = this.#verdicts.get(address)
    if (verdict === undefined) {
      verdict = isIP(address) !== 0 && this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
      if (this.#verdicts.size >= cacheLimit) this.#verdicts.clear()
      this.#verdicts.set(address, verdict)
    }
    return verdict
  }
}

/** Whether a header field speaks about where a request came from, so that only a trusted peer may set it. */
export function isForwardingHeader(lowerName: string): boolean {
  return lowerName === 'forwarded' || lowerName.startsWith('x-forwarded-')
}

/** The forwarding headers that are written anew, with what a trusted peer said before. */
const own = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'])

/** Whether the field is one of those that `forwardingHeaders` writes. */
export function isOwnForwarding(lowerName: string): boolean {
  return own.has(lowerName)
}

/** What a trusted peer said already, by lower-case name; the values of repeated fields joined by commas. */
export type EarlierForwarding = ReadonlyMap<string, string>

export const nothingEarlier: EarlierForwarding = new Map()

/** Adds a line of a trusted peer to what is known. */
export function addEarlier(earlier: Map<string, string>, lowerName: string, value: string): void {
  if (value === '') return
  const before = earlier.get(lowerName)
  earlier.set(lowerName, before === undefined ? value : `${before}, ${value}`)
}

/** What a request of a trusted peer says, from its header lines, names and values in turn. */
export function earlierForwarding(rawHeaders: readonly string[]): EarlierForwarding {
  const earlier = new Map<string, string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const lowerName = (rawHeaders[index] ?? '').toLowerCase()
    if (isOwnForwarding(lowerName)) addEarlier(earlier, lowerName, rawHeaders[index + 1] ?? '')
  }
  return earlier
}

/**
 * `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (RFC 7239) for a worker. For and Forwarded grow by one element a
 * hop; Proto and Host say what the first trusted hop saw.
 * @param host the host that the request asked for, or null (HTTP/1.0)
 */
export function forwardingHeaders(
  peer: Peer,
  host: string | null,
  earlier: EarlierForwarding,
): Array<[string, string]> {
  const proto = peer.isEncrypted ? 'https' : 'http'
  const elements = [`for=${node(peer.address)}`]
  if (host !== null) elements.push(`host=${/^[\w.-]+$/.test(host) ? host : `"${host}"`}`)
  elements.push(`proto=${proto}`)
  const headers: Array<[string, string]> = [
    ['X-Forwarded-For', append(earlier.get('x-forwarded-for'), peer.address)],
    ['X-Forwarded-Proto', earlier.get('x-forwarded-proto') ?? proto],
  ]
  const originalHost = earlier.get('x-forwarded-host') ?? host
  if (originalHost !== null) headers.push(['X-Forwarded-Host', originalHost])
  headers.push(['Forwarded', append(earlier.get('forwarded'), elements.join(';'))])
  return headers
}

/** The same as lines of a head. */
export function forwardingLines(peer: Peer, host: string | null, earlier: EarlierForwarding): string {
  let lines = ''
  for (const [name, value] of forwardingHeaders(peer, host, earlier)) lines += `${name}: ${value}\r\n`
  return lines
}

/**
 * The address of the client itself: that of the peer; where that is trusted, the nearest one behind it that is not, or the
 * farthest there is. What a hop hides or garbles (`unknown`, `_id`, `unix:`) ends the search: the last address that was
 * told counts. `X-Forwarded-For` is asked first, `Forwarded` where there is none.
 * @param said what the request says; asked only if the peer is trusted
 */
export function clientAddress(peer: Peer, trusted: TrustedPeers, said: () => EarlierForwarding): string {
  let nearest = peer.address
  if (!trusted.has(nearest)) return nearest
  const earlier = said()
  const list = earlier.get('x-forwarded-for')
  const hops = list === undefined ? forElements(earlier.get('forwarded') ?? '') : list.split(',')
  for (let index = hops.length - 1; index >= 0; index--) {
    const address = addressOfNode((hops[index] ?? '').trim())
    if (address === null) return nearest
    nearest = address
    if (!trusted.has(nearest)) return nearest
  }
  return nearest
}

/** The address in a node as hops write it: with or without port, brackets and quotes; null if there is none. */
export function addressOfNode(text: string): string | null {
  const quoted = /^"(.*)"$/.exec(text)
  const node = quoted?.[1] ?? text
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(node)
  if (bracketed !== null) return isIPv6(bracketed[1] ?? '') ? plainAddress(bracketed[1]) : null
  const address = /^[\d.]+:\d{1,5}$/.test(node) ? node.slice(0, node.indexOf(':')) : node
  return isIP(address) === 0 ? null : plainAddress(address)
}

/** The values of `for` in a `Forwarded` field; '' for an element without one. */
function forElements(field: string): string[] {
  if (field === '') return []
  return splitUnquoted(field, ',').map((element) => {
    const pair = splitUnquoted(element, ';').find((part) => /^\s*for\s*=/i.test(part))
    return pair === undefined ? '' : pair.slice(pair.indexOf('=') + 1)
  })
}

/** RFC 7239 4: within quotes a separator is none; else a `Host` that a hop has quoted could pass for another element. */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (isQuoted && character === '\\') at++
    else if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function append(list: string | undefined, element: string): string {
  return list ? `${list}, ${element}` : element
}

/** RFC 7239 6: an IPv6 address stands in brackets, and then in quotes. */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}
