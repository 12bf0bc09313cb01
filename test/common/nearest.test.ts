import { expect, test } from 'vitest'
import { nearest } from '../../src/common/nearest.ts'

const names = ['help', 'health', 'info', 'restart', 'proxy', 'workers', 'accessKey']

test.each([
  ['prxoy', 'proxy'],
  ['resart', 'restart'],
  ['HEALTH', 'health'],
  ['acessKey', 'accessKey'],
  ['work', 'workers'],
  ['hel', 'help'],
])('%s means %s', (typed, meant) => expect(nearest(typed, names)).toBe(meant))

test.each(['', 'x', 'deploy', 'he'.repeat(1000), '__proto__'])('%s means nothing that is there', (typed) =>
  expect(nearest(typed, names)).toBeNull(),
)
