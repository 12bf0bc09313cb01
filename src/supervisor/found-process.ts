import { AdoptedProcess } from './adopted-process.ts'
import type { ChannelServer } from './channel-server.ts'
import { EarlyPeer } from './early-peer.ts'
import type { InventoryEntry } from './inventory.ts'
import { climbStopLadder } from './stop-ladder.ts'
import { within } from './within.ts'

/** How long one that nobody takes over may take to open its channel, to finish, and to end after SIGTERM, in milliseconds. */
const connectDeadline = 1_000
const askDeadline = 10_000
const termDeadline = 3_000

/** A process that an earlier supervisor has started, and that goes on: somebody takes it over, or it is ended. */
export class FoundProcess {
  readonly entry: InventoryEntry
  /** What it says before it is taken over; null: a program that has no channel. */
  readonly early: EarlyPeer | null
  readonly #channel: ChannelServer

  constructor(entry: InventoryEntry, channel: ChannelServer) {
    this.entry = entry
    this.#channel = channel
    this.early = entry.kind === 'program' ? null : new EarlyPeer(entry.id, channel)
  }

  /** Asks it to stop, then makes it; resolves when it is gone. */
  async end(): Promise<void> {
    const { entry, early } = this
    const process = new AdoptedProcess(entry, entry.id, null)
    const isConnected = early !== null && (await within(early.connected, connectDeadline))
    await climbStopLadder({
      ask: isConnected ? () => this.#channel.send(entry.id, { type: 'stop' }) : null,
      signal: (signal) => process.signal(signal),
      exited: process.ended,
      askDeadline,
      termDeadline,
    })
    await process.cleanUp()
    early?.forget()
  }

  /** SIGKILL at once. */
  kill(): void {
    new AdoptedProcess(this.entry, this.entry.id, null).signal('SIGKILL')
  }
}
