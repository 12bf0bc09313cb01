import type { ClientRequest } from 'node:http'
import type { CarryJob } from './carrier.ts'

/** A target said nothing for too long. */
export class SilenceError extends Error {}

/** A request whose answer has not begun. */
export interface Watched {
  readonly request: ClientRequest
  readonly job: CarryJob
  /** Bytes that had moved on its connection when they last did, and when that was, in milliseconds since the epoch. */
  moved: number
  movedAt: number
}

/**
 * Ends requests whose target says nothing. Looked at by a clock: a timeout of the socket, set and cleared for each request, costs 4 %
 * of its CPU time.
 */
export class SilenceWatch {
  readonly #watched = new Set<Watched>()

  /** Until `forget`. */
  watch(request: ClientRequest, job: CarryJob): Watched {
    const watched = { request, job, moved: -1, movedAt: Date.now() }
    if (job.answerTimeout > 0) this.#watched.add(watched)
    return watched
  }

  /** Its answer has begun, or there will be none. */
  forget(watched: Watched): void {
    this.#watched.delete(watched)
  }

  check(now: number): void {
    for (const watched of this.#watched) {
      const { request, job } = watched
      const moved = bytesMoved(request)
      // A client that takes its time with the body is not the target's silence.
      const isClientSlow = job.hasBody && !job.req.complete && !request.writableNeedDrain
      if (moved !== watched.moved || isClientSlow) {
        // What has moved since it was looked at last may have moved right after that.
        watched.moved = moved
        watched.movedAt = now
      } else if (now - watched.movedAt >= job.answerTimeout) {
        request.destroy(new SilenceError(`no answer for ${job.answerTimeout} ms`))
      }
    }
  }
}

function bytesMoved({ socket }: ClientRequest): number {
  return socket === null || socket === undefined ? 0 : socket.bytesRead + socket.bytesWritten - socket.writableLength
}
