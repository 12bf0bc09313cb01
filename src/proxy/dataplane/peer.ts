import type { Socket } from 'node:net'

/** Where a connection came from, as far as this process saw it, or was told by a PROXY protocol header. */
export interface Peer {
  /** Its address; IPv4-mapped ones in IPv4 form; `unknown` where nobody said. */
  readonly address: string
  readonly isEncrypted: boolean
}

/** Addresses that were told, by connection. */
const told = new WeakMap<Socket, string>()

/** The other end of a connection: the one function that every lane asks, for headers, log and limits. */
export function peerOf(socket: Socket): Peer {
  return { address: plainAddress(told.get(socket) ?? socket.remoteAddress), isEncrypted: 'encrypted' in socket }
}

/** From now on the connection counts as coming from this address. */
export function tellAddress(socket: Socket, address: string): void {
  told.set(socket, address)
}

/** `::ffff:192.0.2.1`, as a socket that listens on both families reports it, is 192.0.2.1; a zone (`%eth0`) is left out. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (!address.includes(':')) return address
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address)) return address.slice(7)
  const zone = address.indexOf('%')
  return zone === -1 ? address : address.slice(0, zone)
}
