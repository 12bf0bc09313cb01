import type { Selector } from '../selector.ts'
import type { VersionNames } from '../version-names.ts'

/**
 * What a client says that it was built as: `x-deployment-id`, as Next.js sends it. A version that is gone is as if nothing were
 * said: its client is better served by another one than not at all.
 */
export function byDeploymentHeader(names: VersionNames): Selector {
  return { by: 'header', isHint: true, read: (request) => onlyKnown(request.header('x-deployment-id'), names) }
}

/** The same in the query: `?dpl=`, which Next.js adds to scripts and styles. */
export function byDeploymentQuery(names: VersionNames): Selector {
  return { by: 'query', isHint: true, read: (request) => onlyKnown(deploymentIds(request.target), names) }
}

function onlyKnown(values: readonly string[], names: VersionNames): string | null {
  const [value, second] = values
  return value !== undefined && second === undefined && names.has(value) ? value : null
}

function deploymentIds(target: string): string[] {
  const start = target.indexOf('?')
  if (start === -1 || !target.includes('dpl=', start)) return []
  return new URLSearchParams(target.slice(start + 1)).getAll('dpl')
}
