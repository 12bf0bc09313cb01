import type { IncomingMessage, ServerResponse } from 'node:http'
import { CserviceError } from '../../common/errors.ts'

/** Bytes that the body of a command may have, and milliseconds that it may take. */
export const bodyLimit = 1024 * 1024
const bodyMs = 30_000
/** So long the bytes that a command takes as they come may pause. */
const pauseMs = 60_000
const drainMs = 2_000
/** A client that sends much looks for the answer late. */
const longDrainMs = 10_000

/** The body of one request, read in one of two ways, or not at all. A client that asks first (`Expect`) is told to go on then. */
export class RequestBody {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  /** The client waits for a word before it sends anything. */
  #isHeldBack: boolean
  #drainMs = drainMs

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req
    this.#res = res
    this.#isHeldBack = /^100-continue$/i.test(req.headers.expect ?? '')
  }

  /**
   * All of it as text.
   * @throws CserviceError BODY_TOO_LARGE, REQUEST_TIMEOUT, BAD_REQUEST when the client leaves in the middle of it
   */
  async text(): Promise<string> {
    const req = this.#req
    if (Number(req.headers['content-length'] ?? 0) > bodyLimit) throw new CserviceError('BODY_TOO_LARGE')
    this.#begin()
    const chunks: Buffer[] = []
    let length = 0
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new CserviceError('REQUEST_TIMEOUT', 'The body did not come in time')), bodyMs)
      req.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length <= bodyLimit) chunks.push(chunk)
        else reject(new CserviceError('BODY_TOO_LARGE'))
      })
      req.on('end', resolve)
      req.on('close', () => reject(clientLeft()))
      req.on('error', () => {}) // 'close' follows
    }).finally(() => clearTimeout(timer))
    return Buffer.concat(chunks).toString('utf8')
  }

  /**
   * Its bytes as they come, no faster than they are taken.
   * @throws CserviceError BODY_TIMEOUT when the client pauses for too long, BAD_REQUEST when it leaves in the middle
   */
  async *bytes(): AsyncGenerator<Uint8Array> {
    this.#drainMs = longDrainMs
    this.#begin()
    // Ended early, the request stays: its answer is still to be written.
    const chunks = this.#req.iterator({ destroyOnReturn: false })
    try {
      for (;;) {
        const { value, done } = await inTime(chunks.next())
        if (done) break
        yield value as Buffer
      }
      if (!this.#req.complete) throw clientLeft()
    } finally {
      chunks.return?.().catch(() => {})
    }
  }

  /**
   * Reads on and forgets what it reads, for a while: a connection that is closed with bytes unread is reset, and the client
   * may lose the answer that we sent.
   */
  async drain(): Promise<void> {
    const req = this.#req
    if (this.#isHeldBack || req.complete || req.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#drainMs)
      for (const event of ['end', 'close']) {
        req.once(event, () => {
          clearTimeout(timer)
          resolve()
        })
      }
      req.resume()
    })
  }

  #begin(): void {
    if (this.#isHeldBack) this.#res.writeContinue()
    this.#isHeldBack = false
  }
}

async function inTime<Result>(next: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Result>((resolve, reject) => {
      const late = () =>
        reject(
          new CserviceError('BODY_TIMEOUT', `Nothing more came for ${pauseMs / 1_000} s`, { hint: 'Send it again.' }),
        )
      timer = setTimeout(late, pauseMs)
      next.then(resolve, () => reject(clientLeft()))
    })
  } finally {
    clearTimeout(timer)
  }
}

function clientLeft(): CserviceError {
  return new CserviceError('BAD_REQUEST', 'The client left before the end of the body')
}
