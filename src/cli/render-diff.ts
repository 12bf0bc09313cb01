import { renderSize } from './render-size.ts'
import { isObject, renderScalar } from './render-value.ts'
import { style } from './style.ts'

/** So many lines of each kind; `--json` has more. */
const shownAtMost = 40

/** `proxy diff` for people: what differs, a line a file, and at the end how much. */
export function renderDiff(answer: Record<string, unknown>): string {
  const { from, to, nodeModules, same, packageVersions } = answer
  const [before, after] = Array.isArray(packageVersions) ? packageVersions : []
  const versions = before === after ? [] : [`package.json: version ${renderScalar(before)} → ${renderScalar(after)}`]
  const lines = [
    ...section(answer.added, 'green', (file) => `+ ${renderScalar(file.path)}  ${renderSize(file.to)}`),
    ...section(answer.removed, 'red', (file) => `- ${renderScalar(file.path)}  ${renderSize(file.from)}`),
    ...section(answer.changed, 'yellow', (file) => `~ ${renderScalar(file.path)}  ${renderChange(file)}`),
    ...renderModules(nodeModules),
    ...versions,
    ...section(answer.dependencies, 'cyan', (change) => {
      const range = `${renderScalar(change.from)} → ${renderScalar(change.to)}`
      return `${renderScalar(change.kind)}: ${renderScalar(change.name)} ${range}`
    }),
  ]
  const head = `${renderScalar(from)} → ${renderScalar(to)}`
  if (lines.length === 0) return `${head}: nothing differs in ${renderScalar(same)} files.`
  const counts = [answer.added, answer.removed, answer.changed].map((part) =>
    renderScalar(isObject(part) ? part.count : 0),
  )
  return [
    style('bold', head),
    ...lines,
    `${counts[0]} added, ${counts[1]} removed, ${counts[2]} changed, ${renderScalar(same)} the same`,
  ].join('\n')
}

function section(
  part: unknown,
  colour: 'green' | 'red' | 'yellow' | 'cyan',
  line: (item: Record<string, unknown>) => string,
): string[] {
  if (!isObject(part) || !Array.isArray(part.shown)) return []
  const shown = part.shown.filter(isObject).slice(0, shownAtMost)
  const more = Number(part.count) - shown.length
  return [...shown.map((item) => style(colour, line(item))), ...(more > 0 ? [`  … and ${more} more`] : [])]
}

function renderChange({ from, to }: Record<string, unknown>): string {
  return from === to ? renderSize(to) : `${renderSize(from)} → ${renderSize(to)}`
}

function renderModules(nodeModules: unknown): string[] {
  if (!isObject(nodeModules)) return []
  const { added, removed, changed } = nodeModules
  if (added === 0 && removed === 0 && changed === 0) return []
  const [plus, minus, other] = [added, removed, changed].map(renderScalar)
  return [`node_modules: ${plus} files added, ${minus} removed, ${other} changed`]
}
