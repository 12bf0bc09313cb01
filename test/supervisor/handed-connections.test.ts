import http from 'node:http'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { plainService, webServer } from '../support/plain-service.ts'

/** So long nobody waits who is answered or refused. */
const patienceMs = 15_000

test('a connection that was handed to a worker just before it is killed ends, and its client does not wait for ever', async () => {
  const it = await plainService()
  await it.plain.start(it.entry(it.write('web.js', webServer('web'))))
  let isOver = false
  let hung = 0
  const client = async () => {
    while (!isOver) if ((await ask(it.port)) === 'no end') hung++
  }
  const clients = Array.from({ length: 8 }, client)
  for (let round = 0; round < 4; round++) {
    const pids = it.pids()
    process.kill(pids[0] as number, 'SIGKILL')
    await eventually(
      'a successor',
      () =>
        it.supervisor.workers.filter(({ state }) => state === 'ready').length === 2 &&
        !it.pids().includes(pids[0] as number),
    )
  }
  isOver = true
  await Promise.all(clients)
  expect(hung).toBe(0)
}, 60_000)

/** Not with `fetch`, which itself waits for ever when a connection ends before it has sent its request. */
async function ask(port: number): Promise<'answered' | 'refused' | 'no end'> {
  return await new Promise((resolve) => {
    const req = http.get({ port, host: '127.0.0.1', agent: false }, (res) => {
      res.on('error', () => resolve('refused'))
      res.on('end', () => resolve('answered'))
      res.resume()
    })
    req.on('error', () => resolve('refused'))
    req.setTimeout(patienceMs, () => {
      resolve('no end')
      req.destroy()
    })
  })
}
