import { expect, test } from 'vitest'
import { type RolloutOrder, readRolloutOrder } from '../../../src/proxy/rollout/rollout-order.ts'

const nothing: RolloutOrder = {
  version: 'v4',
  share: undefined,
  steps: undefined,
  every: undefined,
  guard: undefined,
  workers: undefined,
}
const read = (order: Partial<RolloutOrder>) => readRolloutOrder({ ...nothing, ...order })

test('a share alone is one step that stays', () => {
  expect(read({ share: '10%' })).toMatchObject({
    version: 'v4',
    steps: [10],
    every: null,
    guard: null,
    workers: null,
    step: 0,
  })
  expect(read({ share: '0.5' })).toMatchObject({ steps: [0.5] })
})

test('steps come with their time, a guard and workers', () => {
  const order = { steps: '1, 10%,50,100', every: '5m', guard: ' errors<1% , p99<1.5x', workers: '3' }
  expect(read(order)).toMatchObject({ steps: [1, 10, 50, 100], every: 300, guard: 'errors<1%,p99<1.5x', workers: 3 })
  const times = ['500ms', '30s', '90', '1.5h', '1d'].map((every) => read({ steps: '1,2', every }))
  expect(times).toMatchObject([0.5, 30, 90, 5_400, 86_400].map((every) => ({ every })))
})

test.each([
  [{}, 'is missing'],
  [{ share: '0%' }, '"0%" is no share'],
  [{ share: '101%' }, '"101%" is no share'],
  [{ share: 'all' }, '"all" is no share'],
  [{ share: '10%', steps: '1,2' }, 'either a share or --steps'],
  [{ steps: '10,10', every: '1m' }, 'step 10 is not more than the one before'],
  [{ steps: '1,10' }, '--steps need --every'],
  [{ share: '10%', every: '1m' }, '--every is of use with several --steps only'],
  [{ steps: '1,10', every: 'soon' }, '"soon" is no time'],
  [{ steps: '1,10', every: '1ms' }, '100ms at least'],
  [{ share: '10%', guard: 'errors>1%' }, '--guard: "errors>1%" is no rule'],
  [{ share: '10%', workers: '0' }, '"0" is no number of workers'],
])('%j is refused, and why', (order, why) => {
  expect(read(order)).toContain(why)
})
