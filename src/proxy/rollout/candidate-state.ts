import type { Version } from '../versions/version.ts'

/** What of the candidate decides whether a rollout goes on. */
export interface CandidateState {
  /** Why it serves nothing at the moment; null: it does. */
  readonly trouble: string | null
  /** It did not start, or exits again and again. */
  readonly hasFailed: boolean
}

export function candidateState(
  { find, has }: { find(name: string): Version | undefined; has(name: string): boolean },
  name: string,
): CandidateState {
  const version = find(name)
  const state = version?.route.state ?? 'cold'
  if (state === 'ready') return { trouble: null, hasFailed: false }
  if (!has(name)) return { trouble: `the folder of ${name} is gone`, hasFailed: false }
  if (version === undefined || state !== 'failed') return { trouble: `${name} is still starting`, hasFailed: false }
  const reason = version.error?.message ?? 'for an unknown reason'
  // No room among the versions that run is not its fault.
  return { trouble: `${name} does not run: ${reason}`, hasFailed: version.route.code !== 'VERSION_LIMIT' }
}
