import { isObject, renderScalar, renderTable } from './render-value.ts'
import { style } from './style.ts'

/** `proxy history` for people: a table, newest first, and below each change that failed why. */
export function renderHistory(answer: Record<string, unknown>): string {
  const entries = Array.isArray(answer.entries) ? answer.entries.filter(isObject) : []
  if (entries.length === 0) return 'The journal has no entry of it.'
  const rows = entries.map((entry) => [
    renderTime(entry.at),
    renderAction(entry),
    entry.version === null ? 'none' : nameOf(entry),
    renderScalar(entry.previous),
    renderScalar(entry.by),
    entry.result === 'failed' ? style('red', 'failed') : renderScalar(entry.result),
    renderDuration(entry.durationMs),
  ])
  const failures = entries.filter(({ error }) => typeof error === 'string')
  const reasons = failures.map(
    ({ at, version, error }) => `${renderTime(at)}  ${nameOf({ version })}: ${renderScalar(error)}`,
  )
  const table = renderTable(['when', 'what', 'version', 'before', 'who', 'result', 'took'], rows)
  return reasons.length === 0 ? table : `${table}\n\n${style('bold', 'failures')}\n${reasons.join('\n')}`
}

/** Of a release that was refused before its name was known there is none. */
function nameOf({ version }: Record<string, unknown>): string {
  return version === undefined || version === '' ? '-' : renderScalar(version)
}

/** Of a rollout, also what has become of it, and the share that it has or had. */
function renderAction({ action, details }: Record<string, unknown>): string {
  const { event, share } = isObject(details) ? details : {}
  const words = [renderScalar(action)]
  if (typeof event === 'string') words.push(event)
  if (typeof share === 'number') words.push(`${Number((share * 100).toPrecision(4))} %`)
  return words.join(' ')
}

/** In the time zone of whoever reads it: `2025-11-25 04:18:54`. */
function renderTime(at: unknown): string {
  const date = new Date(typeof at === 'string' ? at : Number.NaN)
  if (Number.isNaN(date.getTime())) return renderScalar(at)
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

function renderDuration(durationMs: unknown): string {
  if (typeof durationMs !== 'number') return '-'
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`
}
