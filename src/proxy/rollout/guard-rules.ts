/** One thing that a candidate must not do. */
export type GuardRule =
  /** Of its answers, no larger part than this is an error: `errors<1%`. */
  | { readonly text: string; readonly kind: 'errors'; readonly limit: number }
  /** Not more than so many times the errors of the live version: `errors<2x`. */
  | { readonly text: string; readonly kind: 'errors-ratio'; readonly limit: number }
  /** This part of its answers begins within so many milliseconds: `p95<200ms`. */
  | { readonly text: string; readonly kind: 'time'; readonly quantile: number; readonly limit: number }
  /** The time within which this part of its answers begins, in terms of that of the live version: `p99<1.5x`. */
  | { readonly text: string; readonly kind: 'time-ratio'; readonly quantile: number; readonly limit: number }

/** What can be written, for messages. */
export const guardForms = 'rules with commas between, such as errors<1%, errors<2x, p99<1.5x, p95<200ms'

const longestText = 200
const rulePattern = /^(errors|p\d{1,2}(?:\.\d{1,3})?)\s*<\s*(\d{1,7}(?:\.\d{1,6})?)\s*(%|x|ms|s)?$/

/**
 * Reads the rules of a guard. Pure.
 * @returns the rules, or what is wrong with the first that is none, as a sentence without a full stop
 */
export function parseGuard(text: string): readonly GuardRule[] | string {
  if (text.length > longestText) return `it has more than ${longestText} characters`
  const rules: GuardRule[] = []
  for (const part of text.split(',')) {
    const rule = parseRule(part.trim())
    if (typeof rule === 'string') return rule
    if (rules.some((other) => other.text === rule.text)) return `${rule.text} stands twice`
    rules.push(rule)
  }
  return rules
}

function parseRule(text: string): GuardRule | string {
  const shown = JSON.stringify(text)
  if (text === '') return 'a rule is empty'
  const match = rulePattern.exec(text)
  if (match === null) return `${shown} is no rule: expected ${guardForms}`
  const [, subject = '', digits = '', unit = ''] = match
  const number = Number(digits)
  const written = `${subject}<${number}${unit}`
  if (unit === '') return `${shown} has no unit: %, x, ms or s`
  if (unit === 'x' && number < 1) return `${shown} asks for less than the live version has: the least is 1x`
  if (subject === 'errors') {
    if (unit === 'x') return { text: written, kind: 'errors-ratio', limit: number }
    if (unit !== '%') return `${shown} limits errors by a time: errors are limited by % or x`
    if (number <= 0 || number >= 100)
      return `${shown} is met always or never: allowed is more than 0% and less than 100%`
    return { text: written, kind: 'errors', limit: number / 100 }
  }
  const quantile = Number((Number(subject.slice(1)) / 100).toPrecision(12)) // 0.999, not 0.9990000000000001
  if (unit === '%') return `${shown} limits a time by %: times are limited by ms, s or x`
  if (quantile < 0.5) return `${shown}: the least is p50`
  if (number === 0) return `${shown} is never met`
  if (unit === 'x') return { text: written, kind: 'time-ratio', quantile, limit: number }
  return { text: written, kind: 'time', quantile, limit: unit === 's' ? number * 1_000 : number }
}
