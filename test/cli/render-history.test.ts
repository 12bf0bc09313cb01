import { expect, test } from 'vitest'
import { render } from '../../src/cli/render.ts'
import { setEnvironment } from '../supervisor/control/resources.ts'

test('the history says what has become of a rollout, and why something failed', () => {
  setEnvironment({ NO_COLOR: '1' })
  const common = { by: 'ann', result: 'done', previous: undefined }
  const entries = [
    { ...common, action: 'deploy', version: '', result: 'failed', error: 'it is no tarball', durationMs: 13 },
    { ...common, action: 'rollout', version: 'v2', durationMs: 0, details: { event: 'abort', share: 0.5 } },
    { ...common, action: 'rollout', version: 'v2', durationMs: 26, details: { event: 'start', share: 0.005 } },
    { ...common, action: 'promote', version: 'v1', previous: 'v0', durationMs: 1_550 },
  ].map((entry, index) => ({ at: `2026-01-02T03:04:0${index}`, ...entry }))
  expect(render(['proxy', 'history'], { entries })).toMatchInlineSnapshot(`
    "when                 what                 version  before  who  result  took
    2026-01-02 03:04:00  deploy               -        -       ann  failed  13 ms
    2026-01-02 03:04:01  rollout abort 50 %   v2       -       ann  done    0 ms
    2026-01-02 03:04:02  rollout start 0.5 %  v2       -       ann  done    26 ms
    2026-01-02 03:04:03  promote              v1       v0      ann  done    1.6 s

    failures
    2026-01-02 03:04:00  -: it is no tarball"
  `)
})
