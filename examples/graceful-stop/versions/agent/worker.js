import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { workerReady } from 'cservice'

// Becomes ready when it says so, and is asked to stop through `onWorkerStop`, before any signal is sent.
workerReady(false)

let isStopping = false
const server = http.createServer(async (_req, res) => {
  await delay(500)
  if (isStopping) res.setHeader('connection', 'close') // or the client keeps the connection, and the server with it
  res.end('Finished, although a stop may have been asked for meanwhile\n')
})
server.listen(process.env.PROXY_PORT ?? 3000)

await delay(100) // fill caches, connect to the database …
workerReady({
  onWorkerStop() {
    isStopping = true
    server.close(() => {
      console.log('everything in hand is finished')
      process.exit(0)
    })
  },
})
