import type { Selector } from '../selector.ts'

/**
 * What a client says that it was built as: `x-deployment-id`, as Next.js sends it. A version that is gone is as if nothing were
 * said: its client is better served by another one than not at all.
 */
export const byDeploymentHeader: Selector = {
  by: 'header',
  isHint: true,
  read: (request) => only(request.header('x-deployment-id')),
}

/** The same in the query: `?dpl=`, which Next.js adds to scripts and styles. */
export const byDeploymentQuery: Selector = {
  by: 'query',
  isHint: true,
  read: (request) => only(deploymentIds(request.target)),
}

function only([value, second]: readonly string[]): string | null {
  return value !== undefined && second === undefined ? value : null
}

function deploymentIds(target: string): string[] {
  const start = target.indexOf('?')
  if (start === -1 || !target.includes('dpl=', start)) return []
  return new URLSearchParams(target.slice(start + 1)).getAll('dpl')
}
