import type { ServerResponse } from 'node:http'
import { CserviceError } from '../../common/errors.ts'
import type { CommandEvents, EventEntry } from './command-events.ts'

const watcherLimit = 16
const heartbeatMs = 15_000
/** Bytes that a watcher may leave unread. */
const backlogLimit = 1024 * 1024
/** Of what a watcher has missed, so that it does not make it a slow one. */
const missedLimit = 256 * 1024

/** What a watcher may see, and what it saw last. */
export interface Watch {
  maySee(command: string): boolean
  readonly lastEventId?: string
}

/** The watchers of one entrance: server-sent events (WHATWG HTML 9.2). */
export class EventStreams {
  readonly #events: CommandEvents
  readonly #responses = new Set<ServerResponse>()
  #heartbeat: NodeJS.Timeout | null = null
  #isEnded = false

  constructor(events: CommandEvents) {
    this.#events = events
  }

  /** @throws CserviceError TOO_MANY_WATCHERS, SHUTTING_DOWN, unless there is room for one more */
  admit(): void {
    if (this.#isEnded) throw new CserviceError('SHUTTING_DOWN')
    if (this.#responses.size >= watcherLimit) throw new CserviceError('TOO_MANY_WATCHERS')
  }

  /** Answers with the events that the watcher may see, until it leaves, reads too slowly, or `end` is called. */
  open(res: ServerResponse, { maySee, lastEventId }: Watch): void {
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    })
    const send = (entry: EventEntry) => {
      if (maySee(entry.visibleTo)) this.#write(res, frame(entry))
    }
    const unwatch = this.#events.watch(send)
    this.#responses.add(res)
    this.#heartbeat ??= setInterval(() => this.#beat(), heartbeatMs)
    res.on('close', () => {
      unwatch()
      this.#remove(res)
    })
    this.#write(res, ': events of cservice\n\n')
    if (lastEventId === undefined) return
    const missed = this.#events.since(lastEventId).filter(({ visibleTo }) => maySee(visibleTo))
    this.#write(res, newest(missed.map(frame)).join(''))
  }

  /** Ends every stream, and takes no new ones. Who has not read everything yet is cut off. */
  end(): void {
    this.#isEnded = true
    for (const res of this.#responses) {
      if (res.writableLength > 0) res.destroy()
      else res.end()
    }
  }

  #remove(res: ServerResponse): void {
    this.#responses.delete(res)
    if (this.#responses.size > 0 || this.#heartbeat === null) return
    clearInterval(this.#heartbeat)
    this.#heartbeat = null
  }

  /** Keeps what lies between from taking the connection for dead, and finds out who has gone without a word. */
  #beat(): void {
    for (const res of this.#responses) this.#write(res, ': still here\n\n')
  }

  #write(res: ServerResponse, text: string): void {
    if (res.destroyed || res.writableEnded) return
    res.write(text)
    if (res.writableLength > backlogLimit) res.destroy()
  }
}

/** As many of the last ones as may be sent at once. */
function newest(frames: readonly string[]): readonly string[] {
  let length = 0
  const start = frames.findLastIndex((text) => {
    length += text.length
    return length > missedLimit
  })
  return frames.slice(start + 1)
}

/** JSON has no line ends of its own, so that the data is one line. */
function frame({ id, event }: EventEntry): string {
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
