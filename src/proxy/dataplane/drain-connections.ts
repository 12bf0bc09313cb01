/** While draining, how long a connection must have been quiet before we take it that no request is on its way. */
const quietMs = 1_000
const sweepMs = 50

/** A client's connection, as a drain sees it. */
export interface DrainedConnection {
  /** Whether nothing is under way on it. */
  readonly isIdle: boolean
  /** When it was last used, in milliseconds since the epoch. */
  readonly usedAt: number
  destroy(): void
}

/**
 * Resolves when there are no connections left: those that are idle are closed after a moment of quiet, the others when
 * they have become idle, or at the deadline.
 * @param deadline milliseconds
 */
export async function drainConnections(
  connections: { readonly size: number; values(): Iterable<DrainedConnection> },
  deadline: number,
): Promise<void> {
  const began = Date.now()
  while (connections.size > 0) {
    const now = Date.now()
    for (const connection of [...connections.values()]) {
      const isQuiet = connection.isIdle && now - Math.max(began, connection.usedAt) >= quietMs
      if (isQuiet || now - began >= deadline) connection.destroy()
    }
    // At the deadline itself, and behind it as soon as what was destroyed has closed.
    const left = Math.max(1, began + deadline - now)
    await new Promise((resolve) => setTimeout(resolve, Math.min(sweepMs, left)))
  }
}
