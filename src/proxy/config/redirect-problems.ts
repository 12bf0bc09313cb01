import type { WrongValue } from '../../common/config/check-config.ts'

/** Bindings that would redirect to themselves, for ever. Looks only at what is well formed. */
export function redirectProblems(raw: unknown): WrongValue[] {
  if (typeof raw !== 'object' || raw === null) return []
  const { bindings } = raw as Readonly<Record<string, unknown>>
  if (!Array.isArray(bindings)) return []
  return bindings.flatMap((binding: { port?: unknown; redirect?: unknown } | null, index) => {
    if (typeof binding?.redirect !== 'number' || binding.redirect !== binding.port) return []
    const found = `${binding.redirect}, the port of the binding itself`
    return [{ path: ['bindings', index, 'redirect'], found, allowed: 'another port, or a URL' }]
  })
}
