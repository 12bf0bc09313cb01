import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { type LoadFailure, startLoad } from '../support/load-generator.ts'
import { readyProxies, readyWorkers, untilReplaced } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

const connections = 40

describe('a worker that is killed under load', () => {
  it.each([2, 1])(
    'of %i costs at most the requests in flight on it that may not be sent twice, and is replaced',
    async (workerCount) => {
      const folder = await versionFolder({ v1: 'http' }, { workerCount, bindings: await binding(2) })
      const gateway = await startGateway(folder)
      const load = startLoad({ url: gateway.url, connections, mix: { get: 2, post: 1 } })
      const kills: number[] = []
      for (let round = 0; round < 2; round += 1) {
        await load.more(400)
        const [victim = 0] = await readyWorkers(gateway, 'v1')
        process.kill(victim, 'SIGKILL')
        kills.push(performance.now())
        await untilReplaced('a successor', () => readyWorkers(gateway, 'v1'), workerCount, [victim])
      }
      await load.more(400)
      const { answers, failures } = await load.stop()
      expect(failures.filter(({ kind }) => kind !== 'post')).toEqual([])
      for (const failure of failures) expect(howItFailed(failure)).toMatch(/^status 502: .*TARGET_BROKE_OFF|ECONNRESET/)
      // Each connection had one request in flight at a time, and what came a moment later may still have met the dead worker.
      for (const killedAt of kills) {
        const ofThisKill = failures.filter(
          ({ startedAt }) => startedAt > killedAt - 5_000 && startedAt < killedAt + 1_000,
        )
        expect(ofThisKill.length).toBeLessThanOrEqual(connections)
      }
      const unexplained = failures.filter(({ startedAt }) => !kills.some((at) => startedAt < at + 1_000))
      expect(unexplained).toEqual([])
      expect(new Set(answers.map(({ pid }) => pid)).size).toBe(workerCount + kills.length)
    },
  )
})

describe('a proxy process that is killed under load', () => {
  it.each([2, 1])(
    'of %i costs at most the connections it had, never a refused one, and its successor gets the current routes',
    async (workerCount) => {
      const folder = await versionFolder({ v1: 'http', v2: 'http' }, { bindings: await binding(workerCount) })
      const gateway = await startGateway(folder)
      const load = startLoad({ url: gateway.url, connections })
      await load.more(200)
      let live = 'v1'
      for (live of ['v2', 'v1']) {
        await gateway.command('proxy', 'promote', live, '1')
        const before = load.report.failures.length
        const [victim = 0] = await readyProxies(gateway)
        process.kill(victim, 'SIGKILL')
        await untilReplaced('a successor', () => readyProxies(gateway), workerCount, [victim])
        await load.more(200)
        const failures = load.report.failures.slice(before)
        const clients = failures.map(({ connection }) => connection)
        expect(new Set(clients).size).toBe(clients.length)
        for (const failure of failures)
          expect(howItFailed(failure)).toMatch(/^(answer|body) (ECONNRESET|socket hang up)/)
      }
      const askedAt = performance.now()
      await load.more(200)
      const { answers } = await load.stop()
      const later = answers.filter(({ startedAt }) => startedAt >= askedAt)
      expect(new Set(later.map(({ version }) => version))).toEqual(new Set([live]))
    },
  )

  it('takes no connection with it when all of them are killed at once and clients connect anew for each request', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }, { bindings: await binding(2) }))
    const victims = await readyProxies(gateway)
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    // Nobody accepts at this moment, but the port is open: they wait until somebody does.
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => gateway.fetch('/', { headers: { connection: 'close' } })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    await untilReplaced('successors', () => readyProxies(gateway), 2, victims)
  })
})

async function binding(workerCount: number) {
  return [{ port: await freePort(), host: '127.0.0.1', workerCount }]
}

function howItFailed({ phase, reason }: LoadFailure): string {
  return `${phase} ${reason}`
}
