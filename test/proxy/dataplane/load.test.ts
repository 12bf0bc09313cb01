import { Agent, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { type Gateway, startGateway, startWorker, type Worker } from './harness.ts'

interface Outcome {
  failures: string[]
  answers: number
}

/** Keeps `count` connections busy until `stop` is called. */
function load(gateway: Gateway, count: number, methods: readonly string[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  onTestFinished(() => agent.destroy())
  const outcome: Outcome = { failures: [], answers: 0 }
  let isOver = false
  const one = (method: string): Promise<void> =>
    new Promise((resolve) => {
      const body = method === 'POST' ? 'x'.repeat(2_000) : undefined
      const req = request({ port: gateway.port, host: '127.0.0.1', agent, method }, (res) => {
        let text = ''
        res.on('data', (chunk) => {
          text += chunk
        })
        res.on('error', () => {})
        res.on('close', () => {
          if (res.complete && res.statusCode === 200) outcome.answers++
          else outcome.failures.push(`${method} ${res.statusCode} ${text}`)
          resolve()
        })
      })
      req.on('error', (error) => {
        outcome.failures.push(`${method} ${error.message}`)
        resolve()
      })
      req.end(body)
    })
  const loops = Array.from({ length: count }, async (_, index) => {
    while (!isOver) await one(methods[index % methods.length] ?? 'GET')
  })
  return {
    outcome,
    progress: async (answers: number): Promise<void> => {
      const goal = outcome.answers + answers
      while (outcome.answers < goal && outcome.failures.length === 0)
        await new Promise((resolve) => setTimeout(resolve, 2))
    },
    stop: async (): Promise<void> => {
      isOver = true
      await Promise.all(loops)
    },
  }
}

function echo(onRequest = (): void => {}): Promise<Worker> {
  return startWorker((req, res) => {
    onRequest()
    req.resume().on('end', () => res.end('x'.repeat(500)))
  })
}

test('routes change twenty times under load: no request fails, and none reaches a version after the ack of its successor', {
  timeout: 60_000,
}, async () => {
  const seen = { v1: 0, v2: 0 }
  const one = await echo(() => seen.v1++)
  const two = await echo(() => seen.v2++)
  const gateway = await startGateway({ v1: [one.target] })
  const clients = load(gateway, 50, ['GET', 'POST'])
  for (let round = 0; round < 10; round++) {
    for (const [live, former, target] of [
      ['v2', 'v1', two.target],
      ['v1', 'v2', one.target],
    ] as const) {
      gateway.route({ [live]: [target], [former]: { state: 'cold', attempt: 1, targets: [] } }, live)
      const released = () => gateway.channel.bodiesOf('released').length
      await gateway.channel.until(() => released() === round * 2 + (live === 'v2' ? 1 : 2))
      const before = seen[former]
      await clients.progress(20)
      expect(seen[former]).toBe(before)
    }
  }
  await clients.stop()
  expect(clients.outcome.failures).toEqual([])
  expect(clients.outcome.answers).toBeGreaterThan(300)
})

test('a worker that is killed under load costs no request that may be sent again', { timeout: 60_000 }, async () => {
  const gateway = await startGateway({ v1: [] })
  let workers = [await echo(), await echo(), await echo()]
  gateway.route({ v1: workers.map(({ target }) => target) })
  const clients = load(gateway, 20, ['GET', 'DELETE', 'HEAD'])
  for (let round = 0; round < 10; round++) {
    await clients.progress(30)
    await workers.shift()?.kill()
    await clients.progress(30)
    workers = [...workers, await echo()]
    gateway.route({ v1: workers.map(({ target }) => target) })
  }
  await clients.stop()
  expect(clients.outcome.failures).toEqual([])
})

test('an only worker that is killed under load and replaced costs no request that may be sent again', {
  timeout: 60_000,
}, async () => {
  let worker = await echo()
  const gateway = await startGateway({ v1: [worker.target] })
  const clients = load(gateway, 20, ['GET'])
  for (let round = 0; round < 10; round++) {
    await clients.progress(30)
    await worker.kill()
    worker = await echo()
    gateway.route({ v1: [worker.target] })
  }
  await clients.stop()
  expect(clients.outcome.failures).toEqual([])
})
