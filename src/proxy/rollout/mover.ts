import { type CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Move } from './next-move.ts'
import type { RolloutPlan } from './plan.ts'

/** How often it is looked what is to be done, in milliseconds; an alarm of the guard is seen when it comes. */
const lookInterval = 250
/** How long a move that failed is not tried again. */
const retryDelay = 30_000

export type RealMove = Exclude<Move, { kind: 'stay' }>

/** What the mover needs of the rollout that it moves. */
export interface Movable {
  readonly log: Log
  /** What is moved now; null: nothing. */
  plan(): RolloutPlan | null
  /** What is to be done with it. */
  next(plan: RolloutPlan): Move
  /** Called at each look, before anything is decided. */
  onLook(plan: RolloutPlan): void
  /** Called when it is decided, before its turn has come. */
  onDecided(move: RealMove): void
  /** Does it. */
  move(plan: RolloutPlan, move: RealMove): Promise<void>
  /** Runs an action when no other change of the gateway is under way. */
  exclusively<T>(action: () => Promise<T>): Promise<T>
  /** By the steady clock, in milliseconds. */
  steady(): number
}

/** Moves a rollout on when nobody gives a command. Owns the look at it, and what became of the last move. */
export class Mover {
  readonly #rollout: Movable
  #timer: NodeJS.Timeout | null = null
  #isMoving = false
  #isClosed = false
  #failure: { readonly message: string; readonly retryAt: number } | null = null

  constructor(rollout: Movable) {
    this.#rollout = rollout
  }

  /** Whether a move is being done. */
  get isMoving(): boolean {
    return this.#isMoving
  }

  /** Why the last move failed; null: it did not. */
  get failure(): string | null {
    return this.#failure?.message ?? null
  }

  /** There is another plan, or another wish: what failed before is tried again. */
  reset(): void {
    this.#failure = null
    if (this.#rollout.plan() === null) this.#stop()
    else if (!this.#isClosed) this.#timer ??= setInterval(() => this.look(), lookInterval)
  }

  close(): void {
    this.#stop()
    this.#isClosed = true
  }

  /** Looks what is to be done, and does it. */
  look(): void {
    const rollout = this.#rollout
    const plan = rollout.plan()
    if (plan === null || this.#isMoving || this.#isClosed) return
    rollout.onLook(plan)
    if (this.#failure !== null && rollout.steady() < this.#failure.retryAt) return
    const move = rollout.next(plan)
    if (move.kind === 'stay') return
    this.#isMoving = true
    rollout.onDecided(move)
    const moved = rollout.exclusively(async () => {
      if (rollout.plan() === plan) await rollout.move(plan, move) // else somebody was faster
    })
    moved.then(
      () => this.#onMoved(null),
      (error: unknown) => this.#onMoved(toCserviceError(error)),
    )
  }

  #onMoved(error: CserviceError | null): void {
    this.#isMoving = false
    if (error === null) {
      this.#failure = null
      return
    }
    if (this.#isClosed) return
    this.#failure = { message: error.message, retryAt: this.#rollout.steady() + retryDelay }
    const delay = retryDelay / 1_000
    this.#rollout.log.error({ err: error }, `the rollout could not be moved on; it is tried again in ${delay} s`)
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
