import { BlockList, isIP, isIPv6 } from 'node:net'

/** Where a request came from, as far as this process saw it. */
export interface Peer {
  /** Its address; IPv4-mapped ones in IPv4 form. */
  readonly address: string
  readonly isEncrypted: boolean
}

/** The peers whose own forwarding headers are believed. */
export class TrustedPeers {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

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

  has(address: string): boolean {
    return !this.#isEmpty && isIP(address) !== 0 && this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
}

/** `::ffff:192.0.2.1`, as a socket that listens on both families reports it, is 192.0.2.1. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** Whether a header field speaks about where a request came from, so that only a trusted peer may set it. */
export function isForwardingHeader(lowerName: string): boolean {
  return lowerName === 'forwarded' || lowerName.startsWith('x-forwarded-')
}

/** What a trusted peer said already, by lower-case name; the values of repeated fields joined by commas. */
export type EarlierForwarding = ReadonlyMap<string, string>

export const nothingEarlier: EarlierForwarding = new Map()

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

function append(list: string | undefined, element: string): string {
  return list ? `${list}, ${element}` : element
}

/** RFC 7239 6: an IPv6 address stands in brackets, and then in quotes. */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}
