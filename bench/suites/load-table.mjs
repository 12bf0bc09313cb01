import { contenderRows, figure } from '../table.mjs'

/**
 * What a suite answers for a table: its key, by which targets find it, a title, rows, and the samples themselves.
 * Ratios are to nginx, or to the worker itself where nginx is not there.
 */
export function loadTable(key, title, samples) {
  const base = baseOf(samples)
  const name = samples.contenders.find(({ id }) => id === base)?.name ?? 'nobody'
  const head = ['', 'requests/s', `× ${name}`, 'CPU µs', `× ${name}`, 'p50 ms', 'p99 ms', `× ${name}`]
  const rows = contenderRows(samples, ({ id }) => {
    const of = (metric) => samples.value(id, metric)
    const ratio = (metric) => samples.ratio(id, base, metric)
    return [
      figure(of('rate'), 0),
      figure(ratio('rate')),
      figure(of('cpu'), 1),
      id === 'direct' ? '–' : figure(ratio('cpu')),
      figure(of('p50'), 3),
      figure(of('p99')),
      figure(ratio('p99')),
    ]
  })
  return { key, title, rows: [head, ...rows], samples }
}

function baseOf(samples) {
  const ids = samples.contenders.map(({ id }) => id)
  return ['nginx', 'direct', ...ids].find((id) => samples.has(id))
}
