/** What the choice among targets looks at. */
export interface Candidate {
  /** Requests in flight on it, in this process. */
  readonly inFlight: number
  /** Taken out after a failure, until a time in milliseconds since the epoch; 0: not ejected. */
  readonly ejectedUntil: number
}

/**
 * The index of the candidate that gets the next request: the least busy one that is not ejected; if all are ejected, the
 * least busy of them, since a wrong ejection must not turn into an outage. Equally busy ones take turns.
 * @param turn a number that the caller counts up with every choice
 * @returns -1 if there is none
 */
export function chooseTarget(candidates: readonly Candidate[], turn: number, now: number): number {
  let chosen = -1
  let chosenIsEjected = true
  let chosenInFlight = Number.POSITIVE_INFINITY
  for (let step = 0; step < candidates.length; step++) {
    const index = (turn + step) % candidates.length
    const candidate = candidates[index]
    if (candidate === undefined) continue
    const isEjected = candidate.ejectedUntil > now
    const isBetter = isEjected === chosenIsEjected ? candidate.inFlight < chosenInFlight : chosenIsEjected
    if (!isBetter) continue
    chosen = index
    chosenIsEjected = isEjected
    chosenInFlight = candidate.inFlight
  }
  return chosen
}
