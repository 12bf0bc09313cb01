import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import { CserviceError } from '../common/errors.ts'

/**
 * A listening socket that this process opens, owns and passes on, and never accepts on: children inherit the descriptor
 * (`stdio: [… , socket.fd]`) and `listen({ fd })`, each accepting for itself; when a child dies, connections that wait in
 * the backlog are taken by its siblings or its successor (docs/adr/0003).
 *
 * Node has no public way to bind without accepting, so this file, and no other, uses what `node:cluster` itself uses,
 * `net._createServerHandle`. Its test runs on every supported Node line.
 */
export class ListeningSocket {
  readonly fd: number
  readonly port: number
  readonly #handle: BoundHandle

  private constructor(handle: BoundHandle, port: number) {
    this.#handle = handle
    this.fd = handle.fd
    this.port = port
  }

  /**
   * @param port 0 lets the system choose
   * @param host address or name; null: all addresses, IPv6 and IPv4
   * @throws CserviceError PORT_TAKEN, PORT_FORBIDDEN or CONFIG_INVALID (an address that is not of this machine)
   */
  static async open(port: number, host: string | null): Promise<ListeningSocket> {
    if (host === null) {
      const dual = bind('::', port, 6)
      return typeof dual === 'number' && noIpv6.has(getSystemErrorName(dual))
        ? opened(bind('0.0.0.0', port, 4), port, host)
        : opened(dual, port, host)
    }
    const address = await lookup(host).catch((cause: unknown) => {
      throw new CserviceError('CONFIG_INVALID', `the host ${JSON.stringify(host)} of a binding has no address`, {
        cause,
      })
    })
    return opened(bind(address.address, port, address.family === 6 ? 6 : 4), port, host)

    function opened(handle: BoundHandle | number, wanted: number, at: string | null): ListeningSocket {
      if (typeof handle === 'number') throw bindError(handle, wanted, at)
      return new ListeningSocket(handle, handle.boundPort)
    }
  }

  close(): void {
    this.#handle.close()
  }
}

const noIpv6 = new Set(['EAFNOSUPPORT', 'EINVAL', 'EADDRNOTAVAIL'])

interface TcpHandle {
  readonly fd: number
  getsockname(out: { port?: number }): number
  close(): void
}

interface BoundHandle extends TcpHandle {
  boundPort: number
}

type CreateServerHandle = (address: string, port: number, type: 4 | 6, fd: number, flags: number) => TcpHandle | number

function bind(address: string, port: number, type: 4 | 6): BoundHandle | number {
  const create = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle
  const handle = create(address, port, type, -1, 0)
  if (typeof handle === 'number') return handle
  // libuv keeps EADDRINUSE back until listen(), which is not called here; getsockname() gives it away.
  const name: { port?: number } = {}
  const error = handle.getsockname(name)
  if (error !== 0 || name.port === undefined) {
    handle.close()
    return error
  }
  return Object.assign(handle, { boundPort: name.port })
}

function bindError(errno: number, port: number, host: string | null): CserviceError {
  const code = getSystemErrorName(errno)
  const where = host === null ? `port ${port}` : `${host}:${port}`
  if (code === 'EADDRINUSE') return new CserviceError('PORT_TAKEN', `${where} is taken by another program`)
  if (code === 'EACCES') return new CserviceError('PORT_FORBIDDEN', `this user may not listen on ${where}`)
  return new CserviceError('CONFIG_INVALID', `cannot listen on ${where}: ${code}`)
}
