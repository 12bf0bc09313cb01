import type { IncomingMessage } from 'node:http'
import { type Endpoint, keyHeader, openRequest } from './client-request.ts'
import { EventStreamParser } from './event-stream-parser.ts'

/** Follows one call, beside the request that makes it. */
export interface CallWatch {
  /** Resolves when the end of the call has been seen, or cannot be any more: soon after the call was answered. */
  readonly finished: Promise<void>
  close(): void
}

/** So long the start of a command is held up for the sake of its progress. */
const openMs = 2_000
/** So long the last words of a command may be on their way when its answer is here. */
const lastWordsMs = 250

/**
 * Opens `GET /events` and tells `onProgress` how far the call with this id is. Null when the gateway has no events to give:
 * it is an older one, has too many watchers, or is not there.
 */
export async function watchCall(
  endpoint: Endpoint,
  id: string,
  onProgress: (text: string) => void,
): Promise<CallWatch | null> {
  const req = openRequest(endpoint, { method: 'GET', path: '/events', headers: keyHeader(endpoint) })
  const res = await new Promise<IncomingMessage | null>((resolve) => {
    const timer = setTimeout(() => req.destroy(), openMs)
    const settle = (answer: IncomingMessage | null) => {
      clearTimeout(timer)
      resolve(answer)
    }
    req.on('response', settle)
    req.on('error', () => settle(null))
    req.on('close', () => settle(null))
    req.end()
  })
  if (res === null) return null
  if (res.statusCode !== 200) {
    req.destroy()
    return null
  }
  return new Watch(res, id, onProgress)
}

class Watch implements CallWatch {
  readonly #res: IncomingMessage
  #end: () => void = () => {}
  readonly #hasEnded = new Promise<void>((resolve) => {
    this.#end = resolve
  })

  constructor(res: IncomingMessage, id: string, onProgress: (text: string) => void) {
    this.#res = res
    const parser = new EventStreamParser(({ type, data }) => {
      if (!data.includes(id)) return // most events are others': not worth parsing
      const event = JSON.parse(data) as { id?: unknown; text?: unknown }
      if (event.id !== id) return
      if (type === 'progress') onProgress(String(event.text))
      if (type === 'finished' || type === 'failed') this.#end()
    })
    res.on('data', (chunk: Buffer) => {
      try {
        parser.push(chunk)
      } catch {
        res.destroy() // no events of ours: the command goes on without
      }
    })
    res.on('error', () => {}) // 'close' follows
    res.on('close', () => this.#end())
  }

  get finished(): Promise<void> {
    const timer = setTimeout(this.#end, lastWordsMs)
    return this.#hasEnded.finally(() => clearTimeout(timer))
  }

  close(): void {
    this.#res.destroy()
  }
}
