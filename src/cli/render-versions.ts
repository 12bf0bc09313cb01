import { renderSize } from './render-size.ts'
import { renderSpan } from './render-span.ts'
import { isObject, renderScalar, renderTable } from './render-value.ts'
import { style } from './style.ts'

/** `proxy versions` for people: a table in the order of the catalog. */
export function renderVersions(answer: Record<string, unknown>): string {
  const versions = Array.isArray(answer.versions) ? answer.versions.filter(isObject) : []
  if (versions.length === 0) return 'There are no versions: a version is a folder that holds the worker file.'
  const rows = versions.map((version) => [
    renderScalar(version.name),
    renderMarks(version.marks),
    renderScalar(version.state),
    renderScalar(version.workers),
    renderSize(version.size),
    typeof version.age === 'number' ? renderSpan(version.age) : '-',
    renderSince(version),
  ])
  const table = renderTable(['version', 'kept as', 'state', 'workers', 'size', 'age', 'last used'], rows)
  const isMeasuring = versions.some(({ size }) => size === null)
  return isMeasuring ? `${table}\n\nSizes are being measured; ask again for those that are missing.` : table
}

function renderMarks(marks: unknown): string {
  if (!Array.isArray(marks) || marks.length === 0) return '-'
  return marks.map((mark) => (mark === 'live' ? style('green', 'live') : renderScalar(mark))).join(', ')
}

function renderSince({ lastUsed, marks }: Record<string, unknown>): string {
  if (Array.isArray(marks) && marks.includes('live')) return 'now'
  if (typeof lastUsed !== 'string') return 'never'
  return `${renderSpan((Date.now() - Date.parse(lastUsed)) / 1_000)} ago`
}
