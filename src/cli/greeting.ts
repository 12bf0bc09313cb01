import { isObject, renderScalar } from './render-value.ts'
import { style } from './style.ts'

/**
 * What a gateway that has just started tells the person before it: where it listens, what is live, and what to type next.
 * @param info the answer of `proxy start`
 * @param flags options that commands for this gateway need (`--port 11988`)
 */
export function greeting(info: unknown, flags: string): string {
  if (!isObject(info)) return 'The gateway is running.'
  const header = renderScalar((isObject(info.options) ? info.options.versionHeader : null) ?? 'x-version')
  const urls = bindingUrls(info)
  const versions = Array.isArray(info.versions)
    ? info.versions.filter(isObject).map(({ name }) => renderScalar(name))
    : []
  const live = typeof info.liveVersion === 'string' ? info.liveVersion : null
  const other = versions.find((version) => version !== live)
  const url = urls[0]
  const flagsOf = (shown: string) => curlFlags(shown, authorityOf(info))
  const next = [
    url === undefined || live === null ? null : ['live version', `curl ${flagsOf(url)}${url}`],
    url === undefined || other === undefined
      ? null
      : ['another version', `curl ${flagsOf(url)}-H '${header}: ${other}' ${url}`],
    other === undefined ? null : [`make ${other} live`, `cservice proxy promote ${other}${flags}`],
    ['see what runs', `cservice proxy info${flags}`],
  ].filter((line) => line !== null)
  const width = Math.max(...next.map(([label = '']) => label.length))
  return [
    `The gateway is running${urls.length === 0 ? '' : ` on ${urls.map((shown) => style('cyan', shown)).join(', ')}`}`,
    live === null ? 'No version is live yet.' : `Live version: ${style('bold', live)}`,
    versions.length === 0 ? 'There are no versions yet.' : `Versions: ${versions.join(', ')}`,
    '',
    'From another terminal:',
    ...next.map(([label = '', line = '']) => `  ${label.padEnd(width)}  ${style('bold', line)}`),
    '',
    'Ctrl-C stops it gracefully.',
  ].join('\n')
}

function bindingUrls(info: Record<string, unknown>): string[] {
  const bindings =
    isObject(info.options) && Array.isArray(info.options.bindings) ? info.options.bindings.filter(isObject) : []
  const hosts = new Map(bindings.map(({ port, host }) => [port, host]))
  const workers = Array.isArray(info.proxyWorkers) ? info.proxyWorkers.filter(isObject) : []
  return [...new Set(workers.map(({ port, ssl }) => toUrl(hosts.get(port), port, Boolean(ssl))))]
}

function toUrl(host: unknown, port: unknown, isTls: boolean): string {
  const isAnywhere = typeof host !== 'string' || ['', '0.0.0.0', '::'].includes(host)
  const name = isAnywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const isDefault = port === (isTls ? 443 : 80)
  return `${isTls ? 'https' : 'http'}://${name}${isDefault ? '' : `:${renderScalar(port)}`}/`
}

/** File of the authority that has issued the certificate of the first binding, if it is a local one. */
function authorityOf({ bindings }: Record<string, unknown>): string | null {
  const [first] = Array.isArray(bindings) ? bindings.filter(isObject) : []
  return isObject(first?.tls) && typeof first.tls.authority === 'string' ? first.tls.authority : null
}

/** A certificate for localhost is seldom one that curl trusts by itself. */
function curlFlags(url: string, authority: string | null): string {
  if (!url.startsWith('https:')) return ''
  return authority === null ? '-k ' : `--cacert '${authority}' `
}
