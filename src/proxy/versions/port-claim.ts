import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Tells all gateways of this machine that a port is spoken for, from now on until `release`. */
export interface PortClaim {
  release(): void
}

/**
 * Claims a TCP port before anything listens on it, so that two gateways with the same `versionPorts`, the default one for
 * instance, never give the same port to two workers. Looking whether the port is free cannot tell, since a worker takes a
 * while to listen; and looking binds it for a moment, in which the worker of the other gateway could not listen.
 *
 * The claim is a UDP socket on the same port of loopback: the system lets only one process of any user have it, and takes
 * it back when that process dies in whatever way. Nothing is ever received on it.
 * @returns null when another gateway, or another program that uses UDP there, has it
 */
export async function claimPort(port: number): Promise<PortClaim | null> {
  const socket = createSocket('udp4')
  socket.unref()
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true })
    await once(socket, 'listening')
  } catch {
    socket.close()
    return null
  }
  socket.on('error', () => {})
  return { release: () => socket.close() }
}
