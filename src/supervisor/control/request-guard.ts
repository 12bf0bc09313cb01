import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** 127.0.0.0/8, ::1, and the former written as IPv6 (`::ffff:127.0.0.1`). */
export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** Whether a proxy has passed the request on: then the loopback address is the proxy's, and the client may be anywhere. */
export function isForwarded({ headers }: IncomingMessage): boolean {
  return ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined)
}

/**
 * Why a request may come from a web page, or null. A page always sends `Origin` with a POST to another site, and
 * `Sec-Fetch-Site` with a GET as well; and one that reached us under a name of its own (DNS rebinding) sends that name as
 * `Host`.
 */
export function suspicion(req: IncomingMessage, configuredHost: string): string | null {
  if (req.headers.origin !== undefined) return 'a request with an Origin header comes from a web page'
  const site = req.headers['sec-fetch-site']
  if (site !== undefined && site !== 'none') return 'a request with Sec-Fetch-Site comes from a web page'
  const name = hostName(req.headers.host ?? '')
  const isKnown = isIP(name) !== 0 || name === 'localhost' || name === configuredHost.toLowerCase()
  return isKnown ? null : 'its Host header names neither an address, nor localhost, nor the host that is configured'
}

/** The host of `host:port`, in lower case and without the brackets of an IPv6 address. */
function hostName(header: string): string {
  const match = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d*)?$/i.exec(header)
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase()
}
