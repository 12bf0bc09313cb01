import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long we go on reading a body that nobody wants, so that the client gets to read the answer before the reset. */
const lingerMs = 1_000

/** Ends an answer of the gateway; if the client is still sending, only when it has finished, or a moment has passed (RFC 9112 9.6). */
export function finishAnswer(req: IncomingMessage, res: ServerResponse, isSending: boolean): void {
  if (!isSending) {
    res.end()
    return
  }
  const end = (): void => {
    clearTimeout(timer)
    res.end()
  }
  const timer = setTimeout(end, lingerMs)
  req.once('end', end)
  req.once('close', end)
  res.flushHeaders()
  req.unpipe().resume()
}
