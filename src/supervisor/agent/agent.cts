import cluster from 'node:cluster'
import type net from 'node:net'
import { ChannelClient } from '../../common/channel-client.cts'
import { followSupervisorWithOutput } from '../../common/channel-output.cts'
import type { ToProcess } from '../../common/channel-protocol.ts' with { 'resolution-mode': 'import' }
import { reportMetrics } from '../../common/process-metrics.cts'
import type { RegisterMessage } from '../../common/worker-messages.ts' with { 'resolution-mode': 'import' }
import { untilPrimaryLetGo } from './leave-cluster.cts'
import { whenLoaded } from './main-module.cts'
import { type Place, Servers } from './servers.cts'

/**
 * Our code inside a Node worker, loaded with `--require` before the first line of user code and without any change to it.
 * Tells the supervisor when the worker listens, stops it gracefully, and reports memory, event-loop delay and connections.
 */

/** How the library reaches the agent of its process, from whatever copy of the package a version has installed. */
const agentKey = Symbol.for('cservice.agent')
/** How long a worker whose supervisor stays away may take to finish. */
const abandonedGraceMs = 2_000
/** Node's own default of `server.keepAliveTimeout`, which clients are told. */
const keepAliveMs = 5_000

interface WorkerReadyOptions {
  readonly onWorkerStop?: () => void
  readonly servers?: readonly net.Server[]
}

const channel = ChannelClient.fromEnvironment()
if (channel) serve(channel)

/**
 * Begins to act for the worker that this process is. A warm spare calls it when it has become one.
 * @param bornAt seconds by `process.uptime()` at which the worker's life began
 */
export function serve(channel: ChannelClient, bornAt = 0): void {
  /** A worker of a plain service shares its ports with others; any other has a port of its own. */
  const isShared = cluster.isWorker
  const port = isShared ? Number.NaN : Number(process.env.PROXY_PORT)
  const servers = new Servers(onListening, (place) => channel.send({ type: 'closed', ...place }))
  let onWorkerStop: (() => void) | null = null
  let isListening = false
  let isWaiting = false
  let isReady = false
  let isStopping = false

  servers.follow()
  const reportNow = reportMetrics(
    channel,
    () => (servers.statistics.connections > 0 || servers.hasServers ? { net: servers.statistics } : {}),
    bornAt,
  )
  whenLoaded(
    () => servers.hasServers,
    () =>
      void servers.whenListening().then(() => {
        reportNow()
        channel.send({ type: 'loaded' })
      }),
  )
  if (isShared) leaveTerminalSignals()

  /** What the library in this process (src/library) is given. */
  const surface = {
    workerReady,
    servers,
    /** To whoever listens to the messages of this worker in the supervisor's process; kept until it can be sent. */
    send: (body: unknown) => channel.send({ type: 'message', body, ...factOf(body) }),
    /** Called with each message from there. One listener. */
    onMessage: null as ((body: unknown) => void) | null,
  }
  Object.defineProperty(globalThis, agentKey, { value: surface, configurable: true })

  channel.on('message', (message: ToProcess) => {
    if (message.type === 'stop') void stop()
    else if (message.type === 'ping') channel.send({ type: 'pong' })
    else if (message.type === 'report') reportNow()
    else if (message.type === 'message') surface.onMessage?.(message.body)
  })
  channel.on('abandoned', () => {
    setTimeout(() => process.exit(1), abandonedGraceMs).unref()
    void stop()
  })

  function onListening(place: Place): void {
    const expected = Number.isNaN(port) || place.port === port
    channel.send({ type: 'listening', ...place, expected })
    if (!expected) return
    isListening = true
    if (!isWaiting && !isShared) becomeReady()
  }

  /** `false`: not ready until called again, and then at once. Otherwise: ready, once it listens. */
  function workerReady(options?: false | WorkerReadyOptions): void {
    if (options === false) {
      isWaiting = true
      channel.send({ type: 'wait' })
      return
    }
    if (options?.onWorkerStop) onWorkerStop = options.onWorkerStop
    for (const server of options?.servers ?? []) servers.add(server)
    if (isListening || isWaiting || Number.isNaN(port)) becomeReady()
    isWaiting = false
  }

  function becomeReady(): void {
    if (isReady) return
    isReady = true
    channel.send({ type: 'ready' })
  }

  // Standard output and error are pipes to the supervisor; when it dies, writing to them must not end the worker.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  if (!isShared) followSupervisorWithOutput(channel)

  async function stop(): Promise<void> {
    if (isStopping) return
    isStopping = true
    channel.markStopping()
    // The gateway has drained this one: whoever registered a way to stop is trusted with it, or the ladder goes on.
    if (!isShared)
      return hasOwnStop() ? stopItself() : servers.close({ idleGraceMs: 0 }).closed.then(() => process.exit())
    const { closed, httpClosed } = servers.close({ idleGraceMs: keepAliveMs })
    await (hasOwnStop() ? httpClosed : closed)
    await untilPrimaryLetGo()
    if (hasOwnStop()) stopItself()
    else process.exit()
  }

  function hasOwnStop(): boolean {
    return onWorkerStop !== null || process.listenerCount('SIGTERM') > 0
  }

  function stopItself(): void {
    if (onWorkerStop) onWorkerStop()
    else process.kill(process.pid, 'SIGTERM')
  }
}

/** That it has a command, a supervisor that takes this worker over must know as well. */
function factOf(body: unknown): { readonly fact?: string } {
  const { type, name } = (body ?? {}) as Partial<RegisterMessage>
  return type === 'register' ? { fact: `register ${name}` } : {}
}

/**
 * Ctrl-C and the end of a terminal reach the workers of a plain service too, which are in its process group. What follows
 * is the supervisor's business: it stops them one by one, with their requests answered.
 */
function leaveTerminalSignals(): void {
  process.on('SIGINT', () => {})
  process.on('SIGHUP', () => {})
}
