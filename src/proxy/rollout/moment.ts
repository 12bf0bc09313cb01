/** The time by two clocks, in milliseconds. */
export interface Moment {
  /** Since the epoch: what is written down, and says the same after a restart. Somebody may set this clock. */
  readonly wall: number
  /** Since some moment of this process: what durations are measured by. Nobody sets it. */
  readonly steady: number
}

export function readClocks(): Moment {
  return { wall: Date.now(), steady: Math.round(performance.now()) }
}
