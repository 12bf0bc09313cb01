import type { SelectableRequest } from '../selection.ts'
import type { Selector } from '../selector.ts'

/** The version header. An empty one is as if it were absent. */
export const byHeader: Selector = {
  by: 'header',
  read({ versionHeaders }: SelectableRequest): string | null {
    const [value, second] = versionHeaders
    // Two headers may name two versions, and a proxy in front may have looked at the other one: neither is believed.
    if (second !== undefined) return ''
    return value === undefined || value === '' ? null : value
  },
}
