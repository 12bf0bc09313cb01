import { maxConnections } from './arena.ts'
import { attackers } from './attackers.ts'
import type { Scenario } from './scenario.ts'

/** Connections that are many, or come and go. */
export const connections: readonly Scenario[] = [
  {
    name: 'connections beyond maxConnections, held open',
    binding: 'plain',
    refused: ['TOO_MANY_CONNECTIONS'],
    logged: ['TOO_MANY_CONNECTIONS'],
    attack: ({ ports }, form) => {
      const count = maxConnections[form] + (form === 'long' ? 2_000 : 100)
      return attackers(count, count, () => ({ port: ports.plain, act: () => {}, deadline: 4_000 }))
    },
  },
  {
    name: 'connections that are opened and reset',
    binding: 'plain',
    refused: [],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 50_000 : 500, 50, () => ({
        port: ports.plain,
        act: (socket) => void socket.resetAndDestroy(),
      })),
  },
]
