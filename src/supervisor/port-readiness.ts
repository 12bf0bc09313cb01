import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The loopback addresses a program may listen on, in the order they are tried. */
const loopback = ['127.0.0.1', '::1'] as const

/**
 * Waits until something accepts TCP connections on a loopback port: the readiness of programs that carry no agent.
 * Asks often at first and less often later, so that a quick program is not kept waiting and a slow one is not hammered.
 * @returns the address that answered
 * @throws the signal's reason when it is aborted
 */
export async function waitUntilListening(port: number, signal: AbortSignal): Promise<string> {
  for (let delay = 10; ; delay = Math.min(200, delay * 1.3)) {
    for (const host of loopback) if (await accepts(host, port)) return host
    await sleep(delay, undefined, { signal })
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 1_000 })
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
    socket.once('timeout', () => finish(false))
  })
}

/** Where a proxy process connects to reach a server that listens on `address`. */
export function reachable(address: string): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
