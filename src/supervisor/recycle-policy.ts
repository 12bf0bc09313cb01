/** When a worker is replaced though it has not failed; null: never. */
export interface RecycleLimits {
  /** Bytes of resident memory. */
  readonly memory: number | null
  /** Seconds since it was ready. */
  readonly upTime: number | null
  /** Seconds for which its event loop may not turn. Beyond it the worker is ended and replaced. */
  readonly unresponsive: number | null
}

/** What is known of a worker that is ready. */
export interface WorkerSigns {
  /** Bytes; null: it has not said. */
  readonly rss: number | null
  /** Seconds. */
  readonly readyFor: number
  /** Seconds for which it has answered nothing. */
  readonly silentFor: number
}

/** `replace`: its successor first, then it is asked to stop. `end`: it cannot be asked. */
export type RecycleVerdict = { readonly action: 'replace' | 'end'; readonly why: string } | null

export function judgeWorker(limits: RecycleLimits, { rss, readyFor, silentFor }: WorkerSigns): RecycleVerdict {
  if (limits.unresponsive !== null && silentFor > limits.unresponsive)
    return { action: 'end', why: `its event loop has not turned for ${Math.floor(silentFor)} s` }
  if (limits.memory !== null && rss !== null && rss > limits.memory)
    return { action: 'replace', why: `it uses ${toMebibytes(rss)} MiB, more than ${toMebibytes(limits.memory)}` }
  if (limits.upTime !== null && readyFor > limits.upTime)
    return { action: 'replace', why: `it has been up for ${Math.floor(readyFor)} s, more than ${limits.upTime}` }
  return null
}

function toMebibytes(bytes: number): number {
  return Math.round((bytes / 1024 / 1024) * 10) / 10
}
