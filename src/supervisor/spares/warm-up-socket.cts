import { dirname, join } from 'node:path'

/** Where a spare serves itself; @param channelPath path of the channel's socket, whose folder only the owner can enter. */
export function warmUpSocket(channelPath: string, pid: number = process.pid): string {
  return join(dirname(channelPath), `spare-${pid}`)
}
