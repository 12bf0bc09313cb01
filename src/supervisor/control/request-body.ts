import type { IncomingMessage } from 'node:http'
import { CserviceError } from '../../common/errors.ts'

/** Bytes that the body of a command may have. */
export const bodyLimit = 1024 * 1024
const drainMs = 2_000

/**
 * The body as text.
 * @throws CserviceError BODY_TOO_LARGE, BAD_REQUEST when the client leaves in the middle of it
 */
export async function readBody(req: IncomingMessage): Promise<string> {
  if (Number(req.headers['content-length'] ?? 0) > bodyLimit) throw new CserviceError('BODY_TOO_LARGE')
  const chunks: Buffer[] = []
  let length = 0
  await new Promise<void>((resolve, reject) => {
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= bodyLimit) chunks.push(chunk)
      else reject(new CserviceError('BODY_TOO_LARGE'))
    })
    req.on('end', resolve)
    req.on('close', () => reject(new CserviceError('BAD_REQUEST', 'The client left before the end of the body')))
    req.on('error', () => {}) // 'close' follows
  })
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Reads on and forgets what it reads, for a while: a connection that is closed with bytes unread is reset, and the client
 * may lose the answer that we sent.
 */
export async function drainBody(req: IncomingMessage): Promise<void> {
  if (req.complete || req.destroyed) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, drainMs)
    for (const event of ['end', 'close']) {
      req.once(event, () => {
        clearTimeout(timer)
        resolve()
      })
    }
    req.resume()
  })
}
