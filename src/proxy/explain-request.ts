import type { AskedRequest } from './commands/asked-request.ts'
import { selectionSettings } from './dataplane-settings.ts'
import type { Gateway } from './gateway.ts'
import { withMaskedCookie } from './routing/access/preview-traces.ts'
import { makeSelector } from './routing/make-selector.ts'
import type { Route } from './routing/route-table.ts'
import type { SelectedBy } from './routing/selection.ts'
import type { SelectionStep } from './routing/version-selector.ts'

/** What would become of a request: the answer of `proxy why`. */
export interface Explanation {
  /** Where it would go; null: nowhere, see `error`. */
  readonly version: string | null
  readonly by: SelectedBy | null
  /** Code of the refusal, or null. */
  readonly error: string | null
  /** Everybody who was asked, in order; the last one has decided. */
  readonly steps: readonly SelectionStep[]
  /** Of the version: cold, starting, ready or failed. */
  readonly state: Route['state'] | null
  /** Whether this request would make the gateway start it. */
  readonly wouldStart: boolean
  /** Path and query as the worker would get them. */
  readonly target: string | null
  /** Values of `Set-Cookie` that the gateway would add to the answer; what opens a preview is masked. */
  readonly cookies: readonly string[]
}

/** Decides as proxy processes do, by the same code and the same route table, and does nothing about it. */
export function explainRequest(gateway: Gateway, request: AskedRequest): Explanation {
  const { config, publisher } = gateway
  const { table } = publisher
  const steps: SelectionStep[] = []
  const isSecure = request.isSecure ?? config.bindings.some(({ tlsOptions }) => tlsOptions !== null)
  const settings = selectionSettings(config, gateway.skew.settings(isSecure), isSecure)
  const selection = makeSelector(settings, table).select(request.selectable(config.versionHeader), (step) => {
    steps.push(step)
  })
  if ('error' in selection) {
    const nothing = { version: null, by: null, state: null, wouldStart: false, target: null, cookies: [] }
    return { ...nothing, error: selection.error, steps }
  }
  const { version, by, target, cookies } = selection
  const shown = cookies.map(withMaskedCookie)
  const state = table.route(version)?.state ?? null
  const wouldStart = gateway.versions.find(version)?.mayStart(Date.now()) ?? true
  return { version, by, error: null, steps, state, wouldStart, target: target ?? request.target, cookies: shown }
}
