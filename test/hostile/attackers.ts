import { connect, type Socket } from 'node:net'
import type { Counts } from './scenario.ts'

/** What one connection of an attacker is to do. It ends when the gateway closes it, or at its deadline. */
export interface Attacker {
  readonly port: number
  /** Once it is open. */
  act(socket: Socket): void
  /** Milliseconds; default 8 000. */
  readonly deadline?: number
}

/** Runs `count` attackers, `atOnce` of them at a time, and counts how they ended: a status, `closed` without a word, an error, `open`. */
export async function attackers(count: number, atOnce: number, attacker: (index: number) => Attacker): Promise<Counts> {
  const counts: Counts = {}
  let next = 0
  const run = async () => {
    while (next < count) {
      const outcome = await runOne(attacker(next++))
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, run))
  return counts
}

/** Sends one piece after the other, as slowly as that, until the connection is over. */
export function drip(socket: Socket, piece: () => string, everyMs: number): void {
  const timer = setInterval(() => socket.write(piece()), everyMs)
  socket.once('close', () => clearInterval(timer))
}

/** A request as text: head lines, and a body. */
export function head(target = '/', ...lines: string[]): string {
  return [`GET ${target} HTTP/1.1`, 'Host: example.test', ...lines, '', ''].join('\r\n')
}

function runOne({ port, act, deadline = 8_000 }: Attacker): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    let error: string | null = null
    let isOverdue = false
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => act(socket))
    const timer = setTimeout(() => {
      isOverdue = true
      socket.destroy()
    }, deadline)
    socket.on('data', (bytes: Buffer) => {
      if (received.length < 12) received += bytes.toString('latin1', 0, 12)
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      error = code ?? 'error'
    })
    socket.on('close', () => {
      clearTimeout(timer)
      const status = /^HTTP\/1.1 (\d+)/.exec(received)?.[1]
      resolve(status ?? (isOverdue ? 'open' : (error ?? 'closed')))
    })
  })
}
