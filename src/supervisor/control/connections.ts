import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The connections of the control servers, and which of them still wait for an answer. */
export class Connections {
  readonly #open = new Set<Socket>()
  /** Connections that have not finished their TLS handshake, by the address of the peer. */
  readonly #handshakes = new Map<string, Socket>()
  readonly #pending = new Set<Socket>()

  follow(server: Server, isTls: boolean): void {
    if (isTls) {
      server.on('connection', (socket: Socket) => this.#followHandshake(socket))
      // The socket of the requests is another one then, which takes over the connection.
      server.on('secureConnection', (socket: Socket) => {
        this.#handshakes.delete(peerOf(socket))
        this.#follow(socket)
      })
    } else {
      server.on('connection', (socket: Socket) => this.#follow(socket))
    }
    for (const event of ['request', 'checkContinue']) {
      server.on(event, (req: IncomingMessage, res: ServerResponse) => {
        this.#pending.add(req.socket)
        res.on('close', () => this.#pending.delete(req.socket))
      })
    }
  }

  /** Closes those on which nobody waits for an answer. */
  dropIdle(): void {
    for (const socket of this.#handshakes.values()) socket.destroy()
    for (const socket of this.#open) {
      if (!this.#pending.has(socket)) socket.destroy()
    }
  }

  dropAll(): void {
    for (const socket of [...this.#handshakes.values(), ...this.#open]) socket.destroy()
  }

  #followHandshake(socket: Socket): void {
    const peer = peerOf(socket)
    this.#handshakes.set(peer, socket)
    socket.on('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer)
    })
  }

  #follow(socket: Socket): void {
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
