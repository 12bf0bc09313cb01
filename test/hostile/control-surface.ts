import { attackers } from './attackers.ts'
import type { Scenario } from './scenario.ts'

/** The headers that a browser sends with what a page of another site asks for; the last one is DNS rebinding. */
const pages: readonly (readonly string[])[] = [
  ['Host: localhost', 'Origin: https://evil.example'],
  ['Host: localhost', 'Origin: null'],
  ['Host: localhost', 'Sec-Fetch-Site: cross-site'],
  ['Host: localhost', 'Sec-Fetch-Site: same-site'],
  ['Host: evil.example'],
]
const requests = [
  'POST /cli?cmd=proxy+promote+v2 HTTP/1.1',
  'GET /cli?cmd=proxy+promote+v2 HTTP/1.1',
  'GET /events HTTP/1.1',
  'POST /deploy HTTP/1.1',
  'GET /identity HTTP/1.1',
]

/** Web pages and guessers at the REST port. What they are answered is checked where the scenario is run. */
export const controlSurface: readonly Scenario[] = [
  {
    name: 'web pages, with the right key, at the control port',
    binding: 'plain',
    refused: [],
    attack: ({ gateway }) => {
      const all = pages.flatMap((headers) => requests.map((line) => [line, ...headers]))
      return attackers(all.length, 5, (index) => ({
        port: gateway.controlPort,
        act: (socket) => {
          const lines = [...(all[index] ?? []), 'Authorization: Bearer the-right-key', 'Content-Length: 0']
          socket.write([...lines, 'Connection: close', '', ''].join('\r\n'))
        },
      }))
    },
  },
  {
    name: 'guesses of the access key',
    binding: 'plain',
    refused: [],
    attack: ({ gateway }, form) =>
      attackers(form === 'long' ? 5_000 : 100, 4, (index) => ({
        port: gateway.controlPort,
        act: (socket) => {
          const lines = ['POST /cli?cmd=health HTTP/1.1', 'Host: localhost', `Authorization: Bearer guess-${index}`]
          socket.write([...lines, 'Content-Length: 0', 'Connection: close', '', ''].join('\r\n'))
        },
      })),
  },
]
