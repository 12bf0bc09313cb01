import { ChannelClient, channelVariable } from '../../common/channel-client.cts'
import { followSupervisorWithOutput } from '../../common/channel-output.cts'
import { createLog } from '../../common/log.ts'
import { reportMetrics } from '../../common/process-metrics.cts'
import type { FromProxyProcess, ToProxyProcess } from '../messages.ts'
import { ProxyProcess } from './proxy-process.ts'
import { startSibling } from './start-sibling.ts'

/** The program of a proxy process. The supervisor starts it, with the channel in its environment and the listening socket as descriptor 3. */
const listeningDescriptor = 3

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => {}) // whoever read it is gone; requests are not
}
process.on('SIGINT', () => {}) // Ctrl-C reaches the whole process group; the supervisor decides what it means

const log = createLog({ name: 'proxy', destination: process.stderr })
const channel = ChannelClient.fromEnvironment()
if (channel === null) {
  log.fatal(`this program is started by the supervisor, which sets ${channelVariable}`)
  process.exit(1)
}

followSupervisorWithOutput(channel)
reportMetrics(channel)
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'a fault of the proxy process: it ends, and is replaced')
  process.exit(1)
})

// The channel alone does not keep a process alive, and until it has brought the first routes there is nothing else.
const untilItListens = setInterval(() => {}, 60_000)
const proxyProcess = new ProxyProcess({ channel, listen: { fd: listeningDescriptor }, log })
channel.on('message', (message) => {
  const body = message.type === 'message' ? (message.body as ToProxyProcess) : null
  if (body?.type !== 'start') return
  const answer = (said: FromProxyProcess) => channel.send({ type: 'message', body: said })
  const isListening = () => proxyProcess.port !== null
  void startSibling(body, { isListening, descriptor: listeningDescriptor }).then(answer)
})
process.on('SIGTERM', () => void proxyProcess.stop())
let wardsEnded = Promise.resolve()
channel.on('abandoned', (ended) => {
  wardsEnded = ended
})
const { code, reason } = await proxyProcess.ended
await wardsEnded // nobody else is left to end workers that cannot watch the supervisor themselves
if (reason !== null) process.stderr.write(`${reason}\n`)
clearInterval(untilItListens)
channel.close()
process.exit(code)
