import { StringDecoder } from 'node:string_decoder'
import type { ChannelClient } from './channel-client.cts'

/** Set where a process is started without an output of its own: what it writes goes by its channel from the beginning. */
export const outputVariable = 'CSERVICE_OUTPUT'
/** Characters that are kept while no supervisor is there, or while it does not read. */
const keptLength = 256 * 1024

/**
 * Sends what this process writes to its standard output and error by its channel, from the moment when its supervisor is
 * lost: nobody reads its pipes from then on, and they cannot be had anew. Never blocks: what is too much is dropped, and
 * said so. What does not pass `process.stdout` or `process.stderr` (a child that inherits them, a fault of Node itself) is lost.
 */
export function followSupervisorWithOutput(channel: ChannelClient): void {
  const isFromStart = process.env[outputVariable] !== undefined
  delete process.env[outputVariable]
  const redirect = () => {
    const forward = new Forward(channel)
    for (const name of ['stdout', 'stderr'] as const) process[name].write = forward.writer(name)
    process.on('uncaughtExceptionMonitor', (error: unknown) => {
      forward.send('stderr', `${error instanceof Error ? error.stack : String(error)}\n`)
    })
  }
  if (isFromStart) redirect()
  else channel.once('lost', redirect)
}

type StreamName = 'stdout' | 'stderr'
type Done = (error?: Error | null) => void

class Forward {
  readonly #channel: ChannelClient
  /** Characters that wait for a supervisor. */
  #waiting = 0
  #dropped = 0

  constructor(channel: ChannelClient) {
    this.#channel = channel
    channel.on('restored', () => {
      this.#waiting = 0
    })
  }

  writer(name: StreamName): typeof process.stdout.write {
    const decoder = new StringDecoder('utf8')
    return (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, callback?: Done): boolean => {
      this.send(name, typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))
      const done = typeof encoding === 'function' ? encoding : callback
      if (done) process.nextTick(done, null)
      return true
    }
  }

  send(stream: StreamName, text: string): void {
    const { isConnected, backlog } = this.#channel
    if ((isConnected ? backlog : this.#waiting) + text.length > keptLength) {
      this.#dropped += text.length
      return
    }
    if (!isConnected) this.#waiting += text.length
    const lost = this.#dropped > 0 ? `\n[${this.#dropped} characters of output are lost]\n` : ''
    this.#dropped = 0
    this.#channel.send({ type: 'output', stream, text: lost + text })
  }
}
