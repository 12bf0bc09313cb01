import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '../../common/errors.ts'

export interface BodyLimits {
  /** Bytes; 0: any number. */
  readonly maxBodySize: number
  /** Milliseconds in which nothing moves; 0: for ever. */
  readonly bodyTimeout: number
}

/** How often within the time limit it is looked whether something has moved. */
const looks = 4

/**
 * Whether a body of a stated length is too long: to be asked before anything else is done with the request. A length that is
 * not told exactly any more as a number is, whatever the limit: not everybody behind us would read the same.
 */
export function isTooLong(contentLength: number, maxBodySize: number): boolean {
  return contentLength > (maxBodySize > 0 ? maxBodySize : Number.MAX_SAFE_INTEGER)
}

/**
 * Watches a body on its way: refuses it as soon as it is longer than allowed, or when its client sends nothing of it for too
 * long. While nobody reads the body it is not the client that is slow, nor while an answer is on its way to it.
 * @param onRefused called once at most; nothing is watched any more then
 */
export function guardBody(req: IncomingMessage, limits: BodyLimits, onRefused: (code: ErrorCode) => void): void {
  const { maxBodySize, bodyTimeout } = limits
  const { socket } = req
  let size = 0
  let timer: NodeJS.Timeout | undefined
  let movedAt = Date.now()
  let moved = 0
  const stop = (): void => {
    clearInterval(timer)
    req.off('resume', onResume).off('data', onData).off('end', stop).off('close', stop)
  }
  const refuse = (code: ErrorCode): void => {
    stop()
    onRefused(code)
  }
  const onData = (chunk: Buffer): void => {
    size += chunk.length
    if (size > maxBodySize) refuse('REQUEST_TOO_LARGE')
  }
  // Somebody has begun to read: before that, a listener would set the body flowing to nobody.
  const onResume = (): void => {
    req.off('resume', onResume).prependListener('data', onData)
  }
  const onTick = (): void => {
    const now = socket.bytesRead + socket.bytesWritten
    const isRead = req.readableFlowing === true && req.readableLength === 0
    if (!isRead || now !== moved) {
      moved = now
      movedAt = Date.now()
    } else if (Date.now() - movedAt >= bodyTimeout) refuse('BODY_TIMEOUT')
  }
  if (req.complete && req.readableLength === 0) return
  if (maxBodySize > 0) req.on('resume', onResume)
  if (bodyTimeout > 0) timer = setInterval(onTick, bodyTimeout / looks).unref()
  req.on('end', stop).on('close', stop)
}
