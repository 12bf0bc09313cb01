import type { AnswerTally } from '../messages.ts'
import { Evidence } from './evidence.ts'
import { type GuardRule, parseGuard } from './guard-rules.ts'
import { type Finding, judge, requestsNeeded } from './judge.ts'

/** In a step, a candidate that is well is taken for a bad one this often at most, all rules and all looks together. */
const falseAlarms = 0.01
/** The next look comes when there are this many times the requests of the last: a look that hardly knows more costs as much. */
const growth = 1.2
/** Requests of the candidate at the first look. */
const firstLook = 20

/** What the guard says of the candidate in this step. JSON-safe. */
export interface Verdict {
  /** `waiting`: no alarm, but too few requests to mean anything. */
  readonly state: 'well' | 'waiting' | 'alarm'
  readonly requests: { readonly candidate: number; readonly live: number; readonly needed: number }
  readonly errors: { readonly candidate: number; readonly live: number }
  readonly findings: readonly Finding[]
  /** At the last look an alarm was raised for a chance below this. */
  readonly level: number
}

/**
 * Compares the candidate of a rollout with the live version for the length of one step. Looks again and again, so each look is
 * given a smaller part of the false alarms that are allowed (6 / (π² n²) of it for the n-th, which add up to 1, and a rule its
 * share of that): with any number of looks, at whatever time, they stay within what is allowed (Bonferroni's inequality).
 */
export class Guard {
  readonly #rules: readonly GuardRule[]
  readonly #candidate = new Evidence()
  readonly #live = new Evidence()
  #findings: readonly Finding[] = []
  #looks = 0
  #nextLook = firstLook
  #hasAlarm = false

  /** @param text as it is written; null: nothing raises an alarm, and no number of requests is waited for */
  constructor(text: string | null) {
    const rules = text === null ? [] : parseGuard(text)
    if (typeof rules === 'string') throw new Error(rules)
    this.#rules = rules
  }

  /** As of now. An alarm stays. */
  get verdict(): Verdict {
    const candidate = this.#candidate.requests
    const live = this.#live.requests
    const needed = this.#rules.length === 0 ? 0 : requestsNeeded(this.#rules)
    return {
      state: this.#hasAlarm ? 'alarm' : Math.min(candidate, live) < needed ? 'waiting' : 'well',
      requests: { candidate, live, needed },
      errors: { candidate: this.#candidate.errors, live: this.#live.errors },
      findings: this.#findings,
      level: this.#level,
    }
  }

  add(of: 'candidate' | 'live', tally: AnswerTally): void {
    if (this.#hasAlarm) return // with the figures that it was raised for
    const evidence = of === 'candidate' ? this.#candidate : this.#live
    evidence.add(tally)
    if (this.#candidate.requests >= this.#nextLook) this.#look()
  }

  get #level(): number {
    const looks = Math.max(1, this.#looks)
    return (falseAlarms * 6) / (Math.PI ** 2 * looks ** 2 * Math.max(1, this.#rules.length))
  }

  #look(): void {
    this.#looks++
    this.#nextLook = Math.ceil(this.#candidate.requests * growth)
    this.#findings = this.#rules.map((rule) => judge(rule, { candidate: this.#candidate, live: this.#live }))
    this.#hasAlarm = this.#findings.some(({ chance }) => chance < this.#level)
  }
}

/** An alarm in words, with its figures. Pure. */
export function explainAlarm({ findings, level, requests, errors }: Verdict): string {
  const broken = findings.filter(({ chance }) => chance < level)
  const parts = broken.map(({ rule, candidate, live }) => {
    const show = rule.startsWith('errors') ? asPart : asTime
    return `${rule} is broken: ${show(candidate)}, the live version ${show(live)}`
  })
  const counts = `${errors.candidate} errors in ${requests.candidate} requests, the live version ${errors.live} in ${requests.live}`
  return `${parts.join('; ')} (${counts})`
}

function asPart(part: number | null): string {
  return part === null ? 'unknown' : `${Number((part * 100).toPrecision(3))} %`
}

function asTime(time: number | null): string {
  return time === null ? 'unknown' : `${Number(time.toPrecision(3))} ms`
}
