import { beforeEach, expect, test } from 'vitest'
import { render } from '../../src/cli/render.ts'
import { setEnvironment } from '../supervisor/control/resources.ts'

beforeEach(() => setEnvironment({ NO_COLOR: '1' }))

const rollout = {
  version: 'v4',
  live: 'v3',
  state: 'running',
  share: 0.1,
  step: 2,
  steps: [1, 10, 100],
  elapsed: 12,
  every: 300,
  workers: 1,
  guard: 'errors<1%',
  waitsFor: null,
  trouble: null,
  verdict: {
    state: 'waiting',
    requests: { candidate: 12, live: 110, needed: 300 },
    errors: { candidate: 1, live: 0 },
  },
}

test('the status of a rollout says where it stands, what it waits for, and what the guard has seen', () => {
  expect(render(['proxy', 'rollout', 'status'], { rollout, last: null })).toMatchInlineSnapshot(`
    "rollout       v4, instead of v3, for 10 % of the clients
    state         running
    step          2 of 3 (1% 10% 100%), for 12 s of 300 s
    workers       1
    guard         errors<1%
    in this step  12 requests, 1 errors; live: 110, 0
    verdict       too few of 300 requests"
  `)
})

test('a rollout that is in trouble says so, and the last one how it ended', () => {
  const troubled = { ...rollout, state: 'paused', trouble: 'v4 does not start', waitsFor: 'more requests' }
  const last = { version: 'v2', result: 'aborted', at: '2026-01-02T03:04:05.000Z', why: 'asked for by ann' }
  expect(render(['proxy', 'rollout', 'status'], { rollout: troubled, last })).toMatchInlineSnapshot(`
    "rollout       v4, instead of v3, for 10 % of the clients
    state         paused
    step          2 of 3 (1% 10% 100%), for 12 s of 300 s
    workers       1
    trouble       v4 does not start
    no next step  more requests
    guard         errors<1%
    in this step  12 requests, 1 errors; live: 110, 0
    verdict       too few of 300 requests

    The last one, of v2, was aborted at 2026-01-02T03:04:05.000Z: asked for by ann"
  `)
  expect(render(['proxy', 'rollout', 'status'], { rollout: null, last })).toMatchInlineSnapshot(`
    "No rollout is going on.

    The last one, of v2, was aborted at 2026-01-02T03:04:05.000Z: asked for by ann"
  `)
})

test('a dry run of a rollout is a table of its steps', () => {
  const preview = {
    dryRun: true,
    version: 'v4',
    live: 'v3',
    workers: 0,
    steps: [
      { share: 10, workers: 1, after: 0, does: '10 % of the clients that name no version get v4' },
      { share: 50, workers: 2, after: 300, does: '50 % of the clients that name no version get v4' },
      { share: 100, workers: 4, after: null, does: 'v4 is made live' },
    ],
    guard: 'errors<1%',
    requestsNeeded: 300,
  }
  expect(render(['proxy', 'rollout', 'v4', '--dry-run'], preview)).toMatchInlineSnapshot(`
    "Nothing was done. A rollout of v4, instead of v3, would do this:
    share  workers  when         what
    10 %   1        at once      10 % of the clients that name no version get v4
    50 %   2        after 300 s  50 % of the clients that name no version get v4
    100 %  4        by hand      v4 is made live
    Guard: errors<1%; a step needs 300 requests of either version."
  `)
})
