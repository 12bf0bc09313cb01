import { renderCertificates } from './render-certificates.ts'
import { renderMirror, renderRollout } from './render-rollout.ts'
import { renderSpan } from './render-span.ts'
import { isObject, renderScalar, renderTable, renderValue } from './render-value.ts'
import { style } from './style.ts'

/** `proxy info` for people: what is live, the bindings, the versions as a table, and why one of them does not run. */
export function renderProxyInfo(info: Record<string, unknown>): string {
  const versions = listOf(info.versions)
  const options = isObject(info.options) ? info.options : {}
  const range = isObject(info.portRange) ? `${info.portRange.min}-${info.portRange.max}` : '-'
  const head = renderValue({
    'live version': info.liveVersion ?? 'none',
    epoch: info.epoch,
    versions: info.versionPath,
    header: options.versionHeader,
    'worker ports': range,
    ...(isObject(info.spares) ? { 'warm spares': `${info.spares.ready} of ${info.spares.wanted} ready` } : {}),
    ...(isObject(info.mirror) ? { mirror: renderMirror(info.mirror) } : {}),
    ...renderRefused(info.refused),
  })
  return [
    head,
    isObject(info.rollout) ? renderRollout(info.rollout) : '',
    renderBindings(listOf(info.proxyWorkers)),
    renderCertificates(info.bindings),
    renderVersions(versions, info.liveVersion),
    ...versions.map(renderError),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** What was refused, and how often; nothing where nothing was. */
function renderRefused(refused: unknown): Record<string, string> {
  const counts = isObject(refused) ? Object.entries(refused) : []
  if (counts.length === 0) return {}
  return { refused: counts.map(([code, count]) => `${renderScalar(count)} ${code}`).join(', ') }
}

function renderBindings(proxyWorkers: ReadonlyArray<Record<string, unknown>>): string {
  if (proxyWorkers.length === 0) return 'No proxy is running.'
  const processes = new Map<string, number>()
  for (const { port, ssl } of proxyWorkers) {
    const url = `${ssl ? 'https' : 'http'}://localhost:${renderScalar(port)}/`
    processes.set(url, (processes.get(url) ?? 0) + 1)
  }
  return renderTable(
    ['binding', 'proxy processes'],
    [...processes].map(([url, count]) => [url, String(count)]),
  )
}

function renderVersions(versions: ReadonlyArray<Record<string, unknown>>, live: unknown): string {
  if (versions.length === 0) return 'There are no versions: a version is a folder that holds the worker file.'
  const rows = versions.map((version) => [
    renderScalar(version.name) + (version.name === live ? style('green', ' (live)') : ''),
    renderState(version.state),
    Array.isArray(version.workers) ? String(version.workers.length) : renderScalar(version.workers),
    renderPorts(version.ports),
    renderScalar(version.inFlight),
    renderScalar(version.requests),
    renderAgo(version.lastAccess),
  ])
  return renderTable(['version', 'state', 'workers', 'ports', 'in flight', 'requests', 'last request'], rows)
}

function renderState(state: unknown): string {
  const text = renderScalar(state)
  if (text === 'ready') return style('green', text)
  return text === 'failed' ? style('red', text) : text
}

function renderPorts(ports: unknown): string {
  if (!Array.isArray(ports) || ports.length === 0) return '-'
  const shown = ports.slice(0, 6).map(renderScalar).join(' ')
  return ports.length > 6 ? `${shown} … (${ports.length})` : shown
}

/** Seconds ago, or milliseconds since the epoch, which is far more. */
function renderAgo(lastAccess: unknown, now = Date.now()): string {
  if (typeof lastAccess !== 'number') return '-'
  const seconds = lastAccess > 1e11 ? (now - lastAccess) / 1000 : lastAccess
  return `${renderSpan(seconds)} ago`
}

function renderError(version: Record<string, unknown>): string {
  if (!version.error) return ''
  return `${style('red', `${renderScalar(version.name)} failed:`)}\n${renderValue(version.error, '  ')}`
}

function listOf(value: unknown): ReadonlyArray<Record<string, unknown>> {
  return Array.isArray(value) ? value.filter(isObject) : []
}
