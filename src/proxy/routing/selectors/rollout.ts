import { cookieValues } from '../cookies.ts'
import { placeOf, saltOf } from '../rollout-share.ts'
import type { RolloutRoute } from '../route-table.ts'
import type { SelectableRequest } from '../selection.ts'
import type { Selector } from '../selector.ts'

/** The candidate of a rollout, for the clients that are in its share. */
export function rollout({ version, share, key }: RolloutRoute): Selector {
  const salt = saltOf(version)
  const keyOf = readerOf(key)
  return { by: 'rollout', read: (request) => (placeOf(keyOf(request), salt) < share ? version : null) }
}

/** What reads a key that is written like `rolloutKey`. A request without that cookie or header is told by its address. */
function readerOf(key: string): (request: SelectableRequest) => string {
  const colon = key.indexOf(':')
  const name = key.slice(colon + 1)
  if (key.startsWith('cookie:')) return (request) => cookieValues(request.header('cookie'), name)[0] || request.address
  const lowerName = name.toLowerCase()
  if (key.startsWith('header:')) return (request) => request.header(lowerName)[0] || request.address
  return (request) => request.address
}
