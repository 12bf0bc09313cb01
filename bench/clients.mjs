// Clients with one keep-alive connection each, which ask, think for a moment, and ask again. Nothing is asked twice, so that
// each request that was lost is seen.
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const deadline = 20_000

/** @param thinkMs the longest pause between two requests of a client; its length is chosen by chance */
export function startClients({ port, connections, thinkMs }) {
  const clients = { requests: 0, failures: [], isStopping: false }
  const running = Array.from({ length: connections }, () => ask(clients, port, thinkMs))
  return {
    /** Waits for so many more requests. */
    async more(count) {
      const goal = clients.requests + count
      while (clients.requests < goal) await delay(10)
    },
    /** How many there were so far, and how the failed ones failed. */
    get counts() {
      return { requests: clients.requests, failures: [...clients.failures] }
    },
    async stop() {
      clients.isStopping = true
      await Promise.all(running)
    },
  }
}

async function ask(clients, port, thinkMs) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  while (!clients.isStopping) {
    const failure = await request(agent, port)
    clients.requests += 1
    if (failure !== null) clients.failures.push(failure)
    await delay(Math.random() * thinkMs)
  }
  agent.destroy()
}

/** Null when it was answered, in full and with 200; else why not. */
function request(agent, port) {
  return new Promise((resolve) => {
    const req = http.get({ host: '127.0.0.1', port, agent, timeout: deadline }, (res) => {
      res.on('data', () => {})
      res.on('error', (error) => resolve(`within the answer: ${error.code}`))
      res.on('end', () => resolve(res.statusCode === 200 && res.complete ? null : `status ${res.statusCode}`))
    })
    req.on('timeout', () => req.destroy(new Error('no answer in time')))
    req.on('error', (error) =>
      resolve(`${error.code ?? error.message}${req.reusedSocket ? ', reused connection' : ''}`),
    )
  })
}
