import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

// Stops gracefully with nothing but SIGTERM: works the same with and without the gateway.
let isStopping = false
const server = http.createServer(async (_req, res) => {
  await delay(500)
  if (isStopping) res.setHeader('connection', 'close') // or the client keeps the connection, and the server with it
  res.end('Finished, although a stop may have been asked for meanwhile\n')
})
server.listen(process.env.PROXY_PORT ?? 3000)

process.on('SIGTERM', () => {
  isStopping = true
  server.close(() => {
    console.log('everything in hand is finished')
    process.exit(0)
  })
})
