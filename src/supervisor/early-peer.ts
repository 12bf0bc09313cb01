import type { FromProcess } from '../common/channel-protocol.ts'
import type { ChannelPeer, ChannelServer } from './channel-server.ts'

/** A process that may speak before anybody follows it: keeps what it says until it is handed over. */
export class EarlyPeer {
  readonly #id: string
  readonly #channel: ChannelServer
  /** Resolves when it has opened its channel. */
  readonly connected: Promise<void>
  #isConnected = false
  #unheard: FromProcess[] = []

  constructor(id: string, channel: ChannelServer) {
    this.#id = id
    this.#channel = channel
    this.connected = new Promise((resolve) => {
      channel.expect(id, {
        onConnected: () => {
          this.#isConnected = true
          resolve()
        },
        onMessage: (message) => this.#unheard.push(message),
        onDisconnected: () => {
          this.#isConnected = false
        },
      })
    })
  }

  /** From now on `peer` hears what the process says, and first what it has said so far. */
  handOver(peer: ChannelPeer): void {
    this.#channel.expect(this.#id, peer)
    if (this.#isConnected) peer.onConnected()
    for (const message of this.#unheard.splice(0)) peer.onMessage(message)
  }

  forget(): void {
    this.#channel.forget(this.#id)
  }
}
