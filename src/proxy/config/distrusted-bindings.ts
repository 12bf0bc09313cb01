import type { WrongValue } from '../../common/config/check-config.ts'

/** Bindings with `proxyProtocol` that nobody could use, because nobody is trusted. Looks only at what is well formed. */
export function distrustedBindings(raw: unknown): WrongValue[] {
  if (typeof raw !== 'object' || raw === null) return []
  const { bindings, trustProxy = [] } = raw as Readonly<Record<string, unknown>>
  if (!Array.isArray(bindings) || !Array.isArray(trustProxy) || trustProxy.length > 0) return []
  const allowed = 'false, or true with a trustProxy that names who sends the headers'
  return bindings.flatMap((binding: { readonly proxyProtocol?: unknown } | null, index) =>
    binding?.proxyProtocol === true ? [{ path: ['bindings', index, 'proxyProtocol'], allowed }] : [],
  )
}
