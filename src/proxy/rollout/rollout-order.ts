import type { RolloutConfig } from '../config/proxy-config.ts'
import { parseGuard } from './guard-rules.ts'

/** What is typed: texts as they came. */
export interface RolloutOrder {
  readonly version: string
  readonly share: string | undefined
  readonly steps: string | undefined
  readonly every: string | undefined
  readonly guard: string | undefined
  readonly workers: string | undefined
}

const maxWorkers = 1_024
const shortestStep = 0.1
const longestStep = 2_000_000
const secondsPer: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 }

/** Makes of what is typed a rollout at its first step. Pure. @returns or what is wrong with it, as a sentence without a full stop */
export function readRolloutOrder(order: RolloutOrder): RolloutConfig | string {
  if (order.share !== undefined && order.steps !== undefined) return 'either a share or --steps'
  const steps = readSteps(order.steps ?? order.share)
  if (typeof steps === 'string') return steps
  const every = order.every === undefined ? null : readDuration(order.every)
  if (typeof every === 'string') return every
  if (steps.length > 1 && every === null) return '--steps need --every: how long each of them lasts'
  if (steps.length === 1 && every !== null) return '--every is of use with several --steps only'
  const rules = order.guard === undefined ? [] : parseGuard(order.guard)
  if (typeof rules === 'string') return `--guard: ${rules}`
  const workers = order.workers === undefined ? null : readWorkers(order.workers)
  if (typeof workers === 'string') return workers
  const guard = rules.length === 0 ? null : rules.map(({ text }) => text).join(',')
  const { version } = order
  return { version, steps, every, guard, workers, step: 0, state: 'running', since: null, elapsed: 0 }
}

/** `1,10,50,100`, `1%,10%` or `10%`. */
function readSteps(text: string | undefined): number[] | string {
  if (text === undefined) return 'a share such as 10%, or --steps 1,10,50,100, is missing'
  const steps: number[] = []
  for (const part of text.split(',')) {
    const share = readShare(part.trim())
    if (typeof share === 'string') return share
    if (share <= (steps.at(-1) ?? 0)) return `step ${part.trim()} is not more than the one before`
    steps.push(share)
  }
  return steps.length > 100 ? 'there are more than 100 steps' : steps
}

/** A percentage, `10%` or `10`: more than 0, 100 at most. Pure. @returns or what is wrong with it */
export function readShare(text: string): number | string {
  const share = /^\d{1,3}(\.\d{1,4})?%?$/.test(text) ? Number(text.replace('%', '')) : Number.NaN
  if (share > 0 && share <= 100) return share
  return `${JSON.stringify(text)} is no share: allowed is more than 0% and up to 100%`
}

/** `30s`, `5m`, `1h`, `1.5d`, `500ms`; a number alone is seconds. */
function readDuration(text: string): number | string {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text)
  const seconds = match === null ? Number.NaN : Number(match[1]) * (secondsPer[match[2] ?? 's'] ?? 1)
  if (seconds >= shortestStep && seconds <= longestStep) return seconds
  return `${JSON.stringify(text)} is no time for a step: allowed are 30s, 5m, 1h and the like, 100ms at least`
}

function readWorkers(text: string): number | string {
  const workers = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (workers >= 1 && workers <= maxWorkers) return workers
  return `${JSON.stringify(text)} is no number of workers (1 to ${maxWorkers})`
}
