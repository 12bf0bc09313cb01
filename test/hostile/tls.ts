import { connect } from 'node:tls'
import { attackers } from './attackers.ts'
import type { Counts, Scenario } from './scenario.ts'

/** What can be done to a handshake. */
export const tls: readonly Scenario[] = [
  {
    name: 'garbage instead of a TLS handshake',
    binding: 'tls',
    refused: ['TLS_HANDSHAKE_FAILED'],
    logged: ['TLS_HANDSHAKE_FAILED'],
    attack: ({ ports, random }, form) =>
      attackers(form === 'long' ? 20_000 : 200, 50, () => ({
        port: ports.tls,
        act: (socket) => void socket.write(Buffer.from(Array.from({ length: 100 }, () => Math.floor(random() * 256)))),
      })),
  },
  {
    name: 'TLS handshakes that begin and stop',
    binding: 'tls',
    refused: ['TLS_HANDSHAKE_FAILED'],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 4_000 : 150, form === 'long' ? 2_000 : 150, () => ({
        port: ports.tls,
        act: (socket) => void socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1])),
      })),
  },
  {
    name: 'whole TLS handshakes, one after the other, that ask for nothing',
    binding: 'tls',
    refused: [],
    async attack({ ports }, form): Promise<Counts> {
      const counts: Counts = {}
      const many = form === 'long' ? 5_000 : 60
      let left = many
      const run = async () => {
        while (left-- > 0) {
          const outcome = await handshake(ports.tls)
          counts[outcome] = (counts[outcome] ?? 0) + 1
        }
      }
      await Promise.all(Array.from({ length: 8 }, run))
      return counts
    },
  },
]

function handshake(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      socket.destroy()
      resolve('done')
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'))
  })
}
