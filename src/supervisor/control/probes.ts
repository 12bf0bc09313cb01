/**
 * What `/healthz` and `/readyz` ask: the reasons against, a sentence each; none: all is well. That one of them answers at
 * all says that the event loop turns.
 */
export interface Probes {
  /** What only a restart of the service can mend. */
  findFaults(): readonly string[]
  /** Why clients cannot be served just now. */
  findHindrances(): readonly string[]
}

export type ProbePath = '/healthz' | '/readyz'

export function isProbePath(path: string): path is ProbePath {
  return path === '/healthz' || path === '/readyz'
}

/** The answer of a probe. @param isTold whether whoever asks may know the reasons */
export function answerProbe(probes: Probes, path: ProbePath, isTold: boolean) {
  const isHealth = path === '/healthz'
  const reasons = isHealth ? probes.findFaults() : probes.findHindrances()
  const isWell = reasons.length === 0
  const status = isHealth ? (isWell ? 'healthy' : 'unhealthy') : isWell ? 'ready' : 'not ready'
  const result = isTold ? { status, reasons } : { status }
  return { status: isWell ? 200 : 503, text: JSON.stringify(result), result }
}
