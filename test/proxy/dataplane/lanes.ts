import { connect } from 'node:http2'
import { onTestFinished } from 'vitest'
import { type Gateway, get, RawClient, startGateway, type TestSettings, type Versions } from './harness.ts'
import { ask } from './http2/h2-harness.ts'

export const lanes = ['fast', 'general', 'http2'] as const
export type LaneName = (typeof lanes)[number]

/** A gateway that carries what `askIn` asks in this lane. */
export function startIn(lane: LaneName, versions: Versions, settings: TestSettings = {}): Promise<Gateway> {
  const binding = { http2: lane === 'http2' }
  return startGateway(versions, { binding, ...settings }, lane === 'general' ? 'general' : 'both')
}

export interface LaneAnswer {
  readonly status: number
  /** By name in lower case; several lines of a name are joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One GET on a connection of its own. Bodies of answers are one chunk at most. */
export async function askIn(
  lane: LaneName,
  { port }: Pick<Gateway, 'port'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  host = 'example.test',
): Promise<LaneAnswer> {
  if (lane === 'http2') {
    const session = connect(`http://127.0.0.1:${port}`)
    onTestFinished(() => session.destroy())
    const { status, headers: received, body } = await ask(session, { ':path': path, ':authority': host, ...headers })
    const texts = Object.entries(received).map(([name, value]) => [name, [value].flat().join(', ')])
    return { status, headers: Object.fromEntries(texts), body }
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const request = get(path, ...lines, 'Connection: close').replace('example.test', host)
  return parse(await new RawClient(port).send(request).closed())
}

function parse(text: string): LaneAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const headers: Record<string, string> = {}
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const body = rest.join('\r\n\r\n')
  const isChunked = headers['transfer-encoding'] === 'chunked'
  return { status: Number(head.slice(9, 12)), headers, body: isChunked ? (body.split('\r\n')[1] ?? '') : body }
}
