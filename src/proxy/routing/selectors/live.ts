import type { Selector } from '../selector.ts'

/** Where every request goes that nothing else speaks for. */
export function live(version: string | null): Selector {
  return { by: 'live', read: () => version }
}
