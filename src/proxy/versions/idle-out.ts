/** What is known of a version that runs, for the decision whether it stays. */
export interface RunningVersion {
  readonly name: string
  /** Or as good as live: in a rollout, or mirrored to. */
  readonly isLive: boolean
  /** Kept at full size for a rollback. */
  readonly isWarm: boolean
  /** Requests in flight, streams and upgraded connections among them. */
  readonly inFlight: number
  /** Milliseconds since the epoch of the last request, or of the start if there was none. */
  readonly lastAccess: number
}

/**
 * The versions to stop because nobody has used them for `idleTime` milliseconds: never the live one or the warm one, and none
 * with a request in flight, so that a long stream keeps its version alive.
 * @param idleTime 0: nothing idles out
 */
export function findIdle(versions: readonly RunningVersion[], idleTime: number, now: number): string[] {
  if (idleTime === 0) return []
  const isIdle = (version: RunningVersion) =>
    !version.isLive && !version.isWarm && version.inFlight === 0 && now - version.lastAccess >= idleTime
  return versions.filter(isIdle).map(({ name }) => name)
}

/**
 * The version to stop so that another can start: of those that are not live and not in use, the least recently used; the warm
 * one only if there is no other.
 */
export function chooseVictim(versions: readonly RunningVersion[]): string | null {
  const unused = versions.filter((version) => !version.isLive && version.inFlight === 0)
  const cool = unused.filter(({ isWarm }) => !isWarm)
  const oldest = (cool.length > 0 ? cool : unused).reduce<RunningVersion | null>(
    (a, b) => (a === null || b.lastAccess < a.lastAccess ? b : a),
    null,
  )
  return oldest?.name ?? null
}
