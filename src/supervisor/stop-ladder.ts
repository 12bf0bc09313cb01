import { within } from './within.ts'

/** How a process is made to stop. Times in milliseconds; Infinity: for ever. */
export interface StopLadder {
  /** Asks kindly; null: this process cannot be asked. @returns false when the question could not be delivered */
  readonly ask: (() => boolean) | null
  readonly signal: (signal: 'SIGTERM' | 'SIGKILL') => void
  readonly exited: Promise<unknown>
  /** How long it may take after it was asked. */
  readonly askDeadline: number
  /** How long it may take after SIGTERM. */
  readonly termDeadline: number
}

/** Asks, then SIGTERM, then SIGKILL, each when the step before brought no exit within the deadline. Resolves at the exit. */
export async function climbStopLadder(ladder: StopLadder): Promise<void> {
  if (ladder.ask?.() && (await within(ladder.exited, ladder.askDeadline))) return
  ladder.signal('SIGTERM')
  if (await within(ladder.exited, ladder.termDeadline)) return
  ladder.signal('SIGKILL')
  await ladder.exited
}
