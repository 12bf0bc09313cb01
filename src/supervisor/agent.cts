import net from 'node:net'
import { ChannelClient } from '../common/channel-client.cts'
import type { ToProcess } from '../common/channel-protocol.ts' with { 'resolution-mode': 'import' }
import { reportMetrics } from '../common/process-metrics.cts'

/**
 * Our code inside a Node worker, loaded with `--require` before the first line of user code and without any change to it.
 * Tells the supervisor the moment the worker listens, stops it gracefully, and reports memory and event-loop delay.
 */

/** How the library reaches the agent of its process, from whatever copy of the package a version has installed. */
const agentKey = Symbol.for('cservice.agent')
/** How long a worker whose supervisor stays away may take to finish. */
const abandonedGraceMs = 2_000

interface WorkerReadyOptions {
  readonly onWorkerStop?: () => void
  readonly servers?: readonly net.Server[]
}

const channel = ChannelClient.fromEnvironment()
if (channel) serve(channel)

function serve(channel: ChannelClient): void {
  const port = Number(process.env.PROXY_PORT)
  const servers = new Set<net.Server>()
  let onWorkerStop: (() => void) | null = null
  let isListening = false
  let isWaiting = false
  let isReady = false
  let isStopping = false

  followServers((server) => {
    servers.add(server)
    server.once('listening', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return
      const expected = address.port === port
      channel.send({ type: 'listening', port: address.port, address: address.address, expected })
      if (!expected) return
      isListening = true
      if (!isWaiting) becomeReady()
    })
    server.once('close', () => servers.delete(server))
  })

  /** What the library in this process (src/library) is given. */
  const surface = {
    workerReady,
    /** To whoever listens to the messages of this worker in the supervisor's process; kept until it can be sent. */
    send: (body: unknown) => channel.send({ type: 'message', body }),
    /** Called with each message from there. One listener. */
    onMessage: null as ((body: unknown) => void) | null,
  }
  Object.defineProperty(globalThis, agentKey, { value: surface, configurable: true })

  channel.on('message', (message: ToProcess) => {
    if (message.type === 'stop') stop()
    else if (message.type === 'message') surface.onMessage?.(message.body)
  })
  channel.on('abandoned', () => {
    setTimeout(() => process.exit(1), abandonedGraceMs).unref()
    stop()
  })
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
    reportMetrics(channel)
    // Standard output and error are pipes to the supervisor; when it dies, writing to them must not end the worker.
    process.stdout.on('error', () => {})
    process.stderr.on('error', () => {})
  }

  function stop(): void {
    if (isStopping) return
    isStopping = true
    channel.markStopping()
    // Whoever registered a way to stop is trusted with it: it exits by itself, or the ladder goes on without it.
    if (onWorkerStop) onWorkerStop()
    else if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM')
    else closeServers().then(() => process.exit())
  }

  async function closeServers(): Promise<void> {
    await Promise.all([...servers].map(closeGracefully))
  }
}

/** Calls `found` with every server of this process, of whatever kind, when it begins to listen. */
function followServers(found: (server: net.Server) => void): void {
  const seen = new WeakSet<net.Server>()
  const listen = net.Server.prototype.listen
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
    if (!seen.has(this)) {
      seen.add(this)
      found(this)
    }
    return Reflect.apply(listen, this, args) as net.Server
  }
}

/**
 * Stops accepting and waits for what is under way. `http.Server#close` would also cut idle keep-alive connections at
 * once, on which the next request may be on its way; they are closed when they have been idle for a while.
 */
function closeGracefully(server: net.Server): Promise<void> {
  return new Promise((resolve) => {
    const closeIdle = () => (server as { closeIdleConnections?: () => void }).closeIdleConnections?.()
    const timer = setInterval(closeIdle, 50)
    net.Server.prototype.close.call(server, () => {
      clearInterval(timer)
      resolve()
    })
  })
}
