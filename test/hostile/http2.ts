import { connect } from 'node:net'
import { Flag, FrameClient, frame, request, Type } from '../support/http2-frames.ts'
import type { Arena } from './arena.ts'
import type { Counts, Form, Scenario } from './scenario.ts'

/** What the attacker writes again and again until its connection is over. */
type Wave = (client: FrameClient, turn: number) => void

/** HTTP/2 with prior knowledge, on the binding where the neighbours are: rapid reset and its kin. */
export const http2: readonly Scenario[] = [
  flood('HTTP/2 rapid reset', ['HTTP2_RAPID_RESET'], (client, turn) => {
    const stream = 2 * turn + 1
    client.headers(stream, request()).send(frame(Type.reset, 0, stream, Buffer.from([0, 0, 0, 8])))
  }),
  flood('HTTP/2 PING flood', ['HTTP2_FLOOD'], (client) => client.send(frame(Type.ping, 0, 0, '12345678'))),
  flood('HTTP/2 SETTINGS flood', ['HTTP2_FLOOD'], (client) => client.send(frame(Type.settings, 0, 0))),
  flood('HTTP/2 header section of CONTINUATION frames without an end', [], (client, turn) => {
    if (turn === 0) client.send(frame(Type.headers, Flag.endStream, 1, request()))
    client.send(frame(Type.continuation, 0, 1, Buffer.concat([Buffer.from([0, 1, 120, 120]), Buffer.alloc(120, 'x')])))
  }),
]

function flood(name: string, refused: Scenario['refused'], wave: Wave): Scenario {
  const attack = async ({ ports }: Arena, form: Form): Promise<Counts> => {
    const counts: Counts = {}
    const many = form === 'long' ? 200 : 5
    for (let index = 0; index < many; index++) {
      const outcome = await untilOver(ports.plain, wave)
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
    return counts
  }
  return { name, binding: 'plain', refused, logged: refused, attack }
}

/** @returns how the connection ended, once it did: with which error code of GOAWAY */
async function untilOver(port: number, wave: Wave): Promise<string> {
  const client = new FrameClient(connect({ port, host: '127.0.0.1' }))
  const deadline = Date.now() + 8_000
  let turn = 0
  while (!client.isClosed && Date.now() < deadline) {
    for (let index = 0; index < 100; index++) wave(client, turn++)
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (!client.isClosed) {
    client.socket.destroy()
    return 'open'
  }
  const goaway = client.frames.find(({ type }) => type === Type.goaway)
  return goaway === undefined ? 'closed' : `goaway ${goaway.payload.readUInt32BE(4)}`
}
