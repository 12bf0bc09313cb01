import fc from 'fast-check'
import { expect, test } from 'vitest'
import { awaitedAttempt, Gate, judge } from '../../../src/proxy/dataplane/gate.ts'
import { Refusal } from '../../../src/proxy/dataplane/refusal.ts'
import { type Route, RouteTable } from '../../../src/proxy/routing/route-table.ts'

const cold: Route = { state: 'cold', attempt: 0, targets: [] }
const ready: Route = { state: 'ready', attempt: 1, targets: [{ id: 'w', host: 'h', port: 1 }] }

const never = (): AbortSignal => new AbortController().signal

function gateOf(limit = 1_000) {
  const demands: string[] = []
  const gate = new Gate({ limit: () => limit, demand: (version) => demands.push(version) })
  let epoch = 0
  const update = (route?: Route): void =>
    gate.update(new RouteTable({ epoch: ++epoch, live: null, versions: route ? [['v', route]] : [] }))
  return { gate, demands, update }
}

const codeOf = (wait: Promise<void>): Promise<string> =>
  wait.then(
    () => 'go',
    (error) => error.code ?? error.message,
  )

test('any number of requests makes one demand, and all go when the version is ready', async () => {
  const { gate, demands, update } = gateOf()
  const waits = Array.from({ length: 200 }, () => codeOf(gate.waitUntilReady('v', cold, 60_000, never())))
  expect(demands).toEqual(['v'])
  update({ state: 'starting', attempt: 1, targets: [] })
  update(ready)
  expect(new Set(await Promise.all(waits))).toEqual(new Set(['go']))
  expect(gate.size).toBe(0)
  expect(demands).toEqual(['v'])
})

test('the number that may wait is bounded', async () => {
  const { gate, update } = gateOf(2)
  const first = [
    codeOf(gate.waitUntilReady('v', cold, 60_000, never())),
    codeOf(gate.waitForChange('w', 60_000, never())),
  ]
  expect(await codeOf(gate.waitUntilReady('v', cold, 60_000, never()))).toBe('GATE_FULL')
  update(ready)
  expect(await Promise.all(first)).toEqual(['go', 'go'])
})

test('patience ends, and whoever comes next asks anew', async () => {
  const { gate, demands, update } = gateOf()
  expect(await codeOf(gate.waitUntilReady('v', cold, 5, never()))).toBe('VERSION_STARTING')
  const next = codeOf(gate.waitUntilReady('v', cold, 60_000, never()))
  expect(demands).toEqual(['v', 'v'])
  update()
  expect(await next).toBe('UNKNOWN_VERSION')
})

test('a client that leaves waits no longer', async () => {
  const { gate } = gateOf()
  const gone = new AbortController()
  const wait = codeOf(gate.waitUntilReady('v', cold, 60_000, gone.signal))
  gone.abort(new Error('left'))
  expect(await wait).toBe('left')
  expect(gate.size).toBe(0)
})

test('the failure of an earlier start is not the failure of the one that a request waits for', async () => {
  const { gate, demands, update } = gateOf()
  const failed: Route = { state: 'failed', attempt: 1, targets: [], retryAt: 0 }
  const wait = codeOf(gate.waitUntilReady('v', failed, 60_000, never()))
  expect(demands).toEqual(['v'])
  update(failed)
  update({ state: 'starting', attempt: 2, targets: [] })
  expect(gate.size).toBe(1)
  update({ state: 'failed', attempt: 2, targets: [], retryAt: Date.now() + 5_000, code: 'CRASH_LOOP' })
  expect(await wait).toBe('CRASH_LOOP')
})

test('a version that was stopped again while requests wait is asked for once more', async () => {
  const { gate, demands, update } = gateOf()
  const wait = codeOf(gate.waitUntilReady('v', { state: 'starting', attempt: 1, targets: [] }, 60_000, never()))
  expect(demands).toEqual([])
  update({ state: 'cold', attempt: 1, targets: [] })
  expect(demands).toEqual(['v'])
  update({ state: 'cold', attempt: 1, targets: [] })
  expect(demands).toEqual(['v'])
  update({ ...ready, attempt: 2 })
  expect(await wait).toBe('go')
})

test('a request fails exactly by a failure of an attempt that is not earlier than its own', () => {
  const states = fc.constantFrom<Route['state']>('cold', 'starting', 'failed', 'ready')
  const route = fc.record({ state: states, attempt: fc.nat(5), targets: fc.constant([]) })
  fc.assert(
    fc.property(route, route, (found, later) => {
      const awaited = awaitedAttempt(found)
      expect(awaited).toBe(found.state === 'starting' ? found.attempt : found.attempt + 1)
      const verdict = judge(later, awaited)
      if (later.state === 'ready') expect(verdict).toBe('go')
      else expect(verdict instanceof Refusal).toBe(later.state === 'failed' && later.attempt >= awaited)
    }),
  )
})

test('through any history of one version every request gets an answer, and no attempt is demanded twice in a row', async () => {
  const step = fc.constantFrom('request', 'start', 'ready', 'fail', 'stop')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { gate, demands, update } = gateOf()
      let route: Route = cold
      const waits: Array<Promise<string>> = []
      const demandedAt: number[] = []
      for (const name of [...steps, 'start', 'ready']) {
        const before = demands.length
        const { attempt } = route
        if (name === 'request') {
          if (route.state !== 'ready') waits.push(codeOf(gate.waitUntilReady('v', route, 60_000, never())))
        } else if (name === 'start' && route.state !== 'starting')
          route = { state: 'starting', attempt: attempt + 1, targets: [] }
        else if (name === 'ready' && route.state === 'starting') route = { ...ready, attempt }
        else if (name === 'fail' && route.state === 'starting')
          route = { state: 'failed', attempt, targets: [], retryAt: 0 }
        else if (name === 'stop') route = { state: 'cold', attempt, targets: [] }
        if (name !== 'request') update(route)
        for (let index = before; index < demands.length; index++) demandedAt.push(route.attempt + 1)
      }
      expect(gate.size).toBe(0)
      expect(new Set(demandedAt).size).toBe(demandedAt.length)
      for (const code of await Promise.all(waits)) expect(['go', 'VERSION_FAILED']).toContain(code)
    }),
  )
})
