import { isObject, renderScalar, renderTable } from './render-value.ts'
import { style } from './style.ts'

/** The certificates of all bindings as a table, and what is wrong with them; empty: no binding has TLS. */
export function renderCertificates(bindings: unknown): string {
  const withTls = (Array.isArray(bindings) ? bindings : []).filter(isObject).filter(({ tls }) => isObject(tls))
  const rows = withTls.flatMap(({ port, tls }) => certificatesOf(tls).map((certificate) => toRow(port, certificate)))
  if (rows.length === 0) return ''
  return [
    renderTable(['port', 'certificate for', 'key', 'issuer', 'valid until'], rows),
    ...withTls.flatMap(({ port, tls }) => notes(port, tls)),
  ].join('\n')
}

function certificatesOf(tls: unknown): ReadonlyArray<Record<string, unknown>> {
  return isObject(tls) && Array.isArray(tls.certificates) ? tls.certificates.filter(isObject) : []
}

function toRow(port: unknown, { names, key, issuer, validTo, warning }: Record<string, unknown>): string[] {
  const until = renderScalar(validTo).slice(0, 10)
  return [
    renderScalar(port),
    Array.isArray(names) && names.length > 0 ? shortList(names.map(renderScalar)) : 'no name',
    renderScalar(key),
    renderScalar(issuer),
    warning ? `${until} ${style('red', renderScalar(warning))}` : until,
  ]
}

function shortList(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(' ')} … (${names.length})` : names.join(' ')
}

function notes(port: unknown, tls: unknown): string[] {
  if (!isObject(tls)) return []
  const { authority, error } = tls
  return [
    ...(authority ? [`Port ${renderScalar(port)}: clients must trust ${renderScalar(authority)}`] : []),
    ...(error
      ? [style('red', `Port ${renderScalar(port)}: new certificates were refused: ${renderScalar(error)}`)]
      : []),
  ]
}
