/**
 * The life of a worker, as values:
 *
 * ```
 * starting ──ready──▶ ready ──drain──▶ draining ──stop──▶ stopping ──exit──▶ exited
 *     └──────────────────┴─────────────────stop──────────────▶┘
 * ```
 * `exit` leads to `exited` from everywhere; whether it was expected follows from the state it left.
 */
export type WorkerState = 'starting' | 'ready' | 'draining' | 'stopping' | 'exited'
export type WorkerEvent = 'ready' | 'drain' | 'stop' | 'exit'

const transitions: Readonly<Record<WorkerState, Partial<Record<WorkerEvent, WorkerState>>>> = {
  starting: { ready: 'ready', stop: 'stopping', exit: 'exited' },
  ready: { drain: 'draining', stop: 'stopping', exit: 'exited' },
  draining: { stop: 'stopping', exit: 'exited' },
  stopping: { exit: 'exited' },
  exited: {},
}

/** The state after `event`; an event that means nothing in a state (ready, said while stopping) changes nothing. */
export function nextState(state: WorkerState, event: WorkerEvent): WorkerState {
  return transitions[state][event] ?? state
}

/** Whether an exit out of this state was asked for. */
export function isExitExpected(state: WorkerState): boolean {
  return state === 'draining' || state === 'stopping'
}

/** Whether a worker counts towards the size of its pool. */
export function isUp({ state }: { readonly state: WorkerState }): boolean {
  return state === 'starting' || state === 'ready'
}
