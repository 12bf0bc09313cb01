import type { PathPrefixSettings } from '../routing/selection-settings.ts'
import type { ProxyConfig } from './proxy-config.ts'
import type { ParsedConfig } from './schema.ts'

/** How else than by the version header a request may name its version. */
export function selectionOfConfig(parsed: ParsedConfig): ProxyConfig['selection'] {
  const { aliases, versionQuery, versionCookie, versionHost, versionPathPrefix } = parsed
  return {
    aliases: Object.entries(aliases),
    query: versionQuery,
    cookie: versionCookie,
    host: versionHost?.toLowerCase() ?? null,
    path: versionPathPrefix === null ? null : pathOf(versionPathPrefix),
  }
}

function pathOf(prefix: NonNullable<ParsedConfig['versionPathPrefix']>): PathPrefixSettings {
  const { prefix: text, keep } = typeof prefix === 'string' ? { prefix, keep: false } : prefix
  return { before: text.slice(0, -'{version}'.length), keep }
}
