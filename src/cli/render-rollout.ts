import { isObject, renderScalar, renderTable, renderValue } from './render-value.ts'
import { style } from './style.ts'

/** `proxy rollout status` for people; also `null` of one that is not going on. */
export function renderRolloutStatus({ rollout, last }: Record<string, unknown>): string {
  const parts = [isObject(rollout) ? renderRollout(rollout) : 'No rollout is going on.']
  if (isObject(last)) {
    const result = last.result === 'done' ? style('green', 'done') : style('red', renderScalar(last.result))
    const when = renderScalar(last.at)
    parts.push(`The last one, of ${renderScalar(last.version)}, was ${result} at ${when}: ${renderScalar(last.why)}`)
  }
  return parts.join('\n\n')
}

/** The rollout in `proxy info`, and where it stands. */
export function renderRollout(rollout: Record<string, unknown>): string {
  const { version, live, state, share, step, steps, elapsed, every, workers, guard, waitsFor, trouble, verdict } =
    rollout
  const stepList = Array.isArray(steps) ? steps.map((each) => `${renderScalar(each)}%`).join(' ') : '-'
  return renderValue({
    rollout: `${renderScalar(version)}, instead of ${renderScalar(live)}, for ${percent(share)} of the clients`,
    state: state === 'running' ? 'running' : style('yellow', renderScalar(state)),
    step: `${renderScalar(step)} of ${Array.isArray(steps) ? steps.length : '-'} (${stepList}), for ${renderScalar(elapsed)} s${every === null ? '' : ` of ${renderScalar(every)} s`}`,
    workers,
    ...(trouble === null ? {} : { trouble: style('red', renderScalar(trouble)) }),
    ...(waitsFor === null ? {} : { 'no next step': waitsFor }),
    guard: guard ?? 'none',
    ...(isObject(verdict) ? renderVerdict(verdict) : {}),
  })
}

/** Copies of requests, in `proxy info`. */
export function renderMirror({ version, share, answered, failed, dropped }: Record<string, unknown>): string {
  const counts = `${renderScalar(answered)} answered, ${renderScalar(failed)} failed, ${renderScalar(dropped)} not sent`
  return `${renderScalar(version)} gets copies of ${percent(share)} of the GET and HEAD requests: ${counts}`
}

/** What `--dry-run` answers. */
export function renderPreview({ version, live, steps, guard, requestsNeeded }: Record<string, unknown>): string {
  const rows = (Array.isArray(steps) ? steps.filter(isObject) : []).map(({ share, workers, after, does }) => [
    `${renderScalar(share)} %`,
    renderScalar(workers),
    after === null ? 'by hand' : after === 0 ? 'at once' : `after ${renderScalar(after)} s`,
    renderScalar(does),
  ])
  const head = `Nothing was done. A rollout of ${renderScalar(version)}, instead of ${renderScalar(live)}, would do this:`
  const needed = `Guard: ${renderScalar(guard)}; a step needs ${renderScalar(requestsNeeded)} requests of either version.`
  return [head, renderTable(['share', 'workers', 'when', 'what'], rows), ...(guard === null ? [] : [needed])].join('\n')
}

function renderVerdict({ state, requests, errors }: Record<string, unknown>): Record<string, string> {
  if (!isObject(requests) || !isObject(errors)) return {}
  const { candidate, live, needed } = requests
  const counts = `${renderScalar(candidate)} requests, ${renderScalar(errors.candidate)} errors; live: ${renderScalar(live)}, ${renderScalar(errors.live)}`
  const verdict = state === 'waiting' ? `too few of ${renderScalar(needed)} requests` : renderScalar(state)
  return { 'in this step': counts, ...(needed === 0 ? {} : { verdict }) }
}

function percent(share: unknown): string {
  return typeof share === 'number' ? `${Number((share * 100).toPrecision(4))} %` : '-'
}
