import { attackers, head } from './attackers.ts'
import type { Scenario } from './scenario.ts'

/** What is asked for again and again, so that it costs a search or a start. */
export const names: readonly Scenario[] = [
  {
    name: 'names of versions that do not exist, each another one',
    binding: 'plain',
    refused: ['UNKNOWN_VERSION'],
    logged: ['UNKNOWN_VERSION'],
    // Each connection brings a thousand of them in one go.
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 1_000 : 3, 4, (connection) => ({
        port: ports.plain,
        act: (socket) => {
          const many = Array.from({ length: 999 }, (_, index) => head('/', `X-Version: no-${connection}-${index}`))
          socket.write(`${many.join('')}${head('/', 'X-Version: last', 'Connection: close')}`)
        },
        deadline: 60_000,
      })),
  },
  {
    name: 'ranges of versions, each another one',
    binding: 'plain',
    refused: ['UNKNOWN_VERSION'],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 200 : 3, 2, (connection) => ({
        port: ports.plain,
        act: (socket) => {
          const many = Array.from({ length: 99 }, (_, index) => head('/', `X-Version: ^${connection}.${index}.7`))
          socket.write(`${many.join('')}${head('/', 'X-Version: last', 'Connection: close')}`)
        },
        deadline: 60_000,
      })),
  },
  {
    name: 'a storm of requests for a version that has to be started',
    binding: 'plain',
    refused: [],
    attack: ({ ports }, form) =>
      attackers(form === 'long' ? 2_000 : 100, form === 'long' ? 1_000 : 100, () => ({
        port: ports.plain,
        act: (socket) => void socket.write(head('/get/storm', 'X-Version: v2', 'Connection: close')),
        deadline: 20_000,
      })),
  },
]
