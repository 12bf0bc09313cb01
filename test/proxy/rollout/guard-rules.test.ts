import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseGuard } from '../../../src/proxy/rollout/guard-rules.ts'

test('the four kinds of rules are read, with blanks anywhere between', () => {
  expect(parseGuard('errors<1%, errors < 2x,p99<1.5x,p99.9<3s, p95<200ms')).toEqual([
    { text: 'errors<1%', kind: 'errors', limit: 0.01 },
    { text: 'errors<2x', kind: 'errors-ratio', limit: 2 },
    { text: 'p99<1.5x', kind: 'time-ratio', quantile: 0.99, limit: 1.5 },
    { text: 'p99.9<3s', kind: 'time', quantile: 0.999, limit: 3_000 },
    { text: 'p95<200ms', kind: 'time', quantile: 0.95, limit: 200 },
  ])
})

test.each([
  ['', 'a rule is empty'],
  ['errors<1%,', 'a rule is empty'],
  ['errors>1%', '"errors>1%" is no rule'],
  ['errors<1', '"errors<1" has no unit'],
  ['errors<1ms', 'errors are limited by % or x'],
  ['errors<0%', 'allowed is more than 0%'],
  ['errors<100%', 'less than 100%'],
  ['p99<1%', 'times are limited by ms, s or x'],
  ['p99<0.5x', 'the least is 1x'],
  ['p10<5ms', 'the least is p50'],
  ['p100<5ms', 'is no rule'],
  ['p99<0ms', 'is never met'],
  ['errors<1%,errors < 1%', 'errors<1% stands twice'],
  ['x'.repeat(300), 'more than 200 characters'],
])('%j is refused, and why', (text, why) => {
  expect(parseGuard(text)).toContain(why)
})

test('whatever is written leads to rules or to a sentence, and rules are read again as they are', () => {
  const piece = fc.constantFrom('errors', 'p99', 'p50', '<', '1', '.', '5', '%', 'x', 'ms', 's', ',', ' ', '0', '-')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      ),
      (text) => {
        const rules = parseGuard(text)
        if (typeof rules === 'string') {
          expect(rules).not.toBe('')
          return
        }
        expect(rules.length).toBeGreaterThan(0)
        for (const { limit } of rules) expect(limit).toBeGreaterThan(0)
        expect(parseGuard(rules.map((rule) => rule.text).join(','))).toEqual(rules)
      },
    ),
  )
})
