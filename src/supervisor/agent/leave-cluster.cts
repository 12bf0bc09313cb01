import net from 'node:net'
import { listenUnwatched } from './servers.cts'

const deadlineMs = 2_000

/**
 * Resolves when no connection can come from the primary of the cluster any more, after all servers were closed. A
 * connection that the primary had handed over before it learned of the close is then either served or handed back; a
 * worker that exits with one unread in its pipe would lose it.
 *
 * Messages of the cluster come in order, so the answer to one more question is the fence; and the only question that is
 * public is to listen.
 */
export async function untilPrimaryLetGo(): Promise<void> {
  const fence = net.createServer()
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, deadlineMs)
    fence.once('error', () => resolve())
    listenUnwatched(fence, { port: 0, host: '127.0.0.1' }, () => {
      clearTimeout(timer)
      resolve()
    })
  })
  fence.close()
  await new Promise((resolve) => setImmediate(resolve)) // what is handed back is on its way
}
