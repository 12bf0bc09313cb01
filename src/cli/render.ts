import { basename } from 'node:path'
import { helpOf } from './help.ts'
import { renderDiff } from './render-diff.ts'
import { renderHistory } from './render-history.ts'
import { renderProxyInfo } from './render-proxy-info.ts'
import { renderPreview, renderRolloutStatus } from './render-rollout.ts'
import { isObject, renderScalar, renderTable, renderValue } from './render-value.ts'
import { renderVersions } from './render-versions.ts'
import { renderWhy } from './render-why.ts'
import { style } from './style.ts'

/** Answers of `proxy <word>` that have a form of their own. */
const ofProxy: Readonly<Record<string, (answer: Record<string, unknown>) => string>> = {
  history: renderHistory,
  versions: renderVersions,
  diff: renderDiff,
  why: renderWhy,
}

/** The answer of a command for people. */
export function render(words: readonly string[], answer: unknown): string {
  if (answer === null) return 'Done.'
  if (!isObject(answer)) return renderValue(answer)
  const [name, mode] = words
  const renderProxy = name === 'proxy' && mode !== undefined && Object.hasOwn(ofProxy, mode) ? ofProxy[mode] : undefined
  if (renderProxy) return renderProxy(answer)
  if (name === 'proxy' && Array.isArray(answer.versions)) return renderProxyInfo(answer)
  if (name === 'proxy' && mode === 'rollout' && answer.dryRun === true) return renderPreview(answer)
  if (name === 'proxy' && mode === 'rollout' && 'last' in answer) return renderRolloutStatus(answer)
  if (name === 'help')
    return Array.isArray(answer.commands) ? renderCommands(answer, answer.commands) : renderHelp(answer)
  if (name === 'workers' && mode !== 'details' && Array.isArray(answer.workers))
    return renderWorkers(
      answer.workers.filter(isObject),
      Array.isArray(answer.failed) ? answer.failed.filter(isObject) : [],
    )
  return renderValue(answer)
}

function renderCommands({ more }: Record<string, unknown>, commands: readonly unknown[]): string {
  return `${more ?? ''}\n\n${helpOf(commands.map(String))}`
}

/** The help of one command: what it does, how it is typed, and one entry an argument. */
function renderHelp({ info, command, example, ...entries }: Record<string, unknown>): string {
  const parts = [
    info === undefined ? '' : renderScalar(info),
    command === undefined ? '' : `Usage: ${style('bold', renderScalar(command))}`,
    ...Object.entries(entries).map(
      ([key, text]) => `${style('bold', key)}\n  ${renderScalar(text).replace(' Example: ', '\n  Example: ')}`,
    ),
    example === undefined ? '' : `Example: ${renderScalar(example)}`,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** Its version or the name of its entry; where nobody gave it one, the name of its file. */
function labelOf({ name, worker }: Record<string, unknown>): unknown {
  return name === 'main' && typeof worker === 'string' ? basename(worker) : (name ?? worker)
}

function renderWorkers(
  workers: ReadonlyArray<Record<string, unknown>>,
  failed: ReadonlyArray<Record<string, unknown>>,
): string {
  const loops = failed.map(
    ({ name, missing, error }) =>
      `Crash loop: ${renderScalar(missing)} of ${renderScalar(name)} missing; ${renderScalar(error)}`,
  )
  return [workers.length === 0 ? 'No workers are running.' : workersTable(workers), ...loops].join('\n')
}

function workersTable(workers: ReadonlyArray<Record<string, unknown>>): string {
  const rows = workers.map((worker) => {
    const process = isObject(worker.process) ? worker.process : {}
    const rss = isObject(process.memory) ? process.memory.rss : null
    return [
      ...[worker.pid, worker.state, labelOf(worker), worker.port].map(renderScalar),
      typeof rss === 'number' ? `${Math.round(rss / 1024 / 1024)} MiB` : '-',
      typeof process.uptime === 'number' ? `${Math.round(process.uptime)} s` : '-',
    ]
  })
  return renderTable(['pid', 'state', 'worker', 'port', 'memory', 'uptime'], rows)
}
