import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isExitExpected, nextState, type WorkerEvent, type WorkerState } from '../../src/supervisor/worker-state.ts'

const order: WorkerState[] = ['starting', 'ready', 'draining', 'stopping', 'exited']
const events = fc.array(fc.constantFrom<WorkerEvent>('ready', 'drain', 'stop', 'exit'))

test('a worker never goes back to an earlier state, whatever happens to it', () => {
  fc.assert(
    fc.property(events, (happened) => {
      let state: WorkerState = 'starting'
      for (const event of happened) {
        const next = nextState(state, event)
        expect(order.indexOf(next)).toBeGreaterThanOrEqual(order.indexOf(state))
        state = next
      }
    }),
  )
})

test('after an exit nothing happens any more', () => {
  fc.assert(
    fc.property(events, events, (before, after) => {
      const exited = [...before, 'exit' as const].reduce<WorkerState>(nextState, 'starting')
      expect(exited).toBe('exited')
      expect(after.reduce<WorkerState>(nextState, exited)).toBe('exited')
    }),
  )
})

test('a worker that was told to stop does not become ready', () => {
  expect(nextState(nextState('starting', 'stop'), 'ready')).toBe('stopping')
})

test('only a worker that drains or stops is expected to exit', () => {
  expect(order.filter(isExitExpected)).toEqual(['draining', 'stopping'])
})
