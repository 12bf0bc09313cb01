import { EventEmitter } from 'node:events'
import pino from 'pino'
import type { FromProcess, ToProcess } from '../../src/common/channel-protocol.ts'
import { ProxyProcess } from '../../src/proxy/dataplane/proxy-process.ts'
import type { DataplaneSettings, FromProxyProcess, ToProxyProcess } from '../../src/proxy/messages.ts'
import { headerOnly } from '../../src/proxy/routing/selection-settings.ts'
import { FuzzWorker } from './fuzz-worker.ts'

/** Short, so that nothing that is left open lasts; a client that is told so is no fault. */
const settings: DataplaneSettings = {
  binding: { port: 0, tls: null, redirect: null, proxyProtocol: false, http2: false },
  versionHeader: 'x-version',
  selection: headerOnly,
  servedVersionHeader: true,
  gateTimeout: 2_000,
  gateLimit: 1_000,
  waitingPageAfter: 1_000,
  answerTimeout: 2_000,
  connectTimeout: 2_000,
  headTimeout: 2_000,
  bodyTimeout: 1_000,
  sendTimeout: 2_000,
  keepAliveTimeout: 2_000,
  upgradeIdleTimeout: 1_000,
  maxConnections: 0,
  maxRequestsInFlight: 0,
  maxHeaderSize: 16_384,
  maxBodySize: 0,
  drainTimeout: 5_000,
  trustProxy: [],
  accessLog: null,
  healthPath: null,
}

/** One gateway with a worker for each of two versions. */
export interface Side {
  readonly name: string
  readonly port: number
  readonly workers: readonly FuzzWorker[]
  /** What it has logged as an error. */
  readonly faults: string[]
  /** Requests in flight, as it has reported it. */
  inFlight(): number
  close(): Promise<void>
}

/** Both lanes, and the general lane alone, each before workers of its own. */
export interface Arena {
  readonly sides: readonly Side[]
  close(): Promise<void>
}

export async function openArena(): Promise<Arena> {
  const sides = [await openSide('both lanes', 'both'), await openSide('the general lane', 'general')]
  return { sides, close: async () => void (await Promise.all(sides.map((side) => side.close()))) }
}

async function openSide(name: string, lanes: 'both' | 'general'): Promise<Side> {
  const workers = [new FuzzWorker(), new FuzzWorker()]
  const [v1, v2] = await Promise.all(workers.map((worker, index) => worker.listen(`${lanes}-${index}`)))
  if (v1 === undefined || v2 === undefined) throw new Error('no workers')
  const faults: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void faults.push(line) })
  const channel = new FuzzChannel()
  const process = new ProxyProcess({ channel, listen: { port: 0, host: '127.0.0.1' }, log, lanes })
  const ready = new Promise((resolve) => channel.once('ready', resolve))
  channel.tell({ type: 'configure', settings })
  const versions = Object.entries({ v1, v2 }).map(
    ([version, target]) => [version, { state: 'ready', attempt: 1, targets: [target] }] as const,
  )
  channel.tell({ type: 'routes', table: { epoch: 1, live: 'v1', versions } })
  await ready
  return {
    name,
    port: process.port ?? 0,
    workers,
    faults,
    inFlight: () => [...channel.inFlight.values()].reduce((sum, count) => sum + count, 0),
    close: async () => {
      await process.stop(0)
      for (const worker of workers) worker.close()
    },
  }
}

/** The supervisor's end of a channel: keeps what was last said of each version. */
class FuzzChannel extends EventEmitter {
  readonly inFlight = new Map<string, number>()

  send(message: FromProcess): void {
    if (message.type === 'ready') this.emit('ready')
    if (message.type !== 'message') return
    const body = message.body as FromProxyProcess
    if (body.type !== 'counters') return
    for (const { version, inFlight } of body.versions) this.inFlight.set(version, inFlight)
  }

  markStopping(): void {}
  close(): void {}

  tell(body: ToProxyProcess): void {
    const message: ToProcess = { type: 'message', body }
    this.emit('message', message)
  }
}
