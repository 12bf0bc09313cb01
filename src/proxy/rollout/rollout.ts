import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { RolloutConfig } from '../config/proxy-config.ts'
import type { VersionCounters } from '../messages.ts'
import type { RolloutRoute } from '../routing/route-table.ts'
import { BringUp } from '../versions/bring-up.ts'
import { candidateState } from './candidate-state.ts'
import { describeRollout, type RolloutAnswer, type RolloutStatus } from './describe-rollout.ts'
import { Guard } from './guard.ts'
import { type Moment, readClocks } from './moment.ts'
import { Mover, type RealMove } from './mover.ts'
import { nextMove, type Outlook } from './next-move.ts'
import {
  atStep,
  begin,
  edited,
  isNewComparison,
  paused,
  type RolloutPlan,
  resumed,
  shareOf,
  workersOf,
} from './plan.ts'
import { isSamePlan } from './plan-text.ts'
import { endOf, type RolloutEnd, type RolloutEvent, RolloutJournal } from './rollout-journal.ts'
import { put, type RolloutParts, takeBack } from './transaction.ts'

/** Who moves a rollout on when nobody gives a command, for the journal. */
const schedule = 'schedule'

/**
 * The rollout that is going on, if any. Owns its plan, which is that of proxy.json, and the figures of its guard; nothing else
 * changes either. What is to be done is decided by `nextMove`; what is done is a transaction (transaction.ts), one at a time
 * with all other changes of the gateway.
 */
export class Rollout {
  readonly #parts: RolloutParts
  readonly #journal: RolloutJournal
  readonly #candidate: BringUp
  readonly #mover: Mover
  #plan: RolloutPlan | null = null
  #guard = new Guard(null)
  /** The guard has taken all requests back; what proxy.json says comes after that. */
  #isTakenBack = false
  /** What a promote has taken out of proxy.json, until it is known whether it succeeds. */
  #cleared: RolloutPlan | null = null
  /** The journal has the end of the rollout that the last promote has ended. */
  #journaled: Promise<RolloutEnd | null> = Promise.resolve(null)
  #last: RolloutEnd | null = null

  /** @param now reads the clocks: another one in tests */
  constructor(gateway: Omit<RolloutParts, 'now'>, now: () => Moment = readClocks) {
    const parts = { ...gateway, now }
    this.#parts = parts
    this.#journal = new RolloutJournal(parts)
    this.#candidate = new BringUp(parts, 'candidate')
    this.#mover = new Mover({
      log: parts.log,
      plan: () => this.#plan,
      next: (plan) => nextMove(plan, this.#outlook(plan)),
      onLook: (plan) => this.#bringUp(plan),
      onDecided: (move) => {
        if (move.kind === 'abort') this.#takeBack()
      },
      move: (plan, move) => this.#move(plan, move),
      exclusively: (action) => parts.exclusively(action),
      steady: () => now().steady,
    })
  }

  /** The version that is rolled out, or null. */
  get candidate(): string | null {
    return this.#plan?.version ?? null
  }

  /** What proxy processes are told: nothing while the candidate cannot serve, so that its clients go to the live version. */
  get route(): RolloutRoute | null {
    const plan = this.#plan
    if (plan === null || this.#isTakenBack || plan.version === this.#parts.live()) return null
    if (this.#parts.find(plan.version)?.route.state !== 'ready') return null
    return { version: plan.version, share: shareOf(plan), key: this.#parts.config().rolloutKey }
  }

  /** JSON-safe. */
  get status(): RolloutStatus {
    const plan = this.#plan
    if (plan === null) return { rollout: null, last: this.#last }
    const { config, live, find } = this.#parts
    const outlook = this.#outlook(plan)
    const workers = find(plan.version)?.size ?? 0
    const { failure } = this.#mover
    const move = failure === null ? nextMove(plan, outlook) : null
    const waitsFor = move?.kind === 'stay' ? move.why : failure
    return {
      rollout: describeRollout(plan, outlook, { live: live(), workers, key: config().rolloutKey, waitsFor }),
      last: this.#last,
    }
  }

  /** What is wrong with it, for `health` and `proxy info`; null: nothing. */
  get problem(): string | null {
    if (this.#plan === null) return null
    const { version } = this.#plan
    const { failure } = this.#mover
    if (failure !== null) return `the rollout of ${version} does not go on: ${failure}`
    const { trouble } = candidateState(this.#parts, version)
    return trouble && `the rollout of ${version}, whose requests go to the live version meanwhile: ${trouble}`
  }

  /**
   * Begins a rollout, or gives the one of the same version another share or other steps; whole or not at all.
   * @throws CserviceError ROLLOUT_RUNNING, ALREADY_LIVE, NO_LIVE_VERSION, UNKNOWN_VERSION, VERSION_LIMIT, or why a step could not be done
   */
  start(config: RolloutConfig, by: string): Promise<RolloutAnswer> {
    return this.#parts.exclusively(async () => {
      this.check(config.version)
      const next = begin({ ...config, since: null }, this.#parts.now())
      return this.#change(next, by, this.#plan === null ? 'start' : 'change')
    })
  }

  /** @throws CserviceError if there can be no rollout of that version now */
  check(version: string): void {
    const { live } = this.#parts
    if (live() === null) throw new CserviceError('NO_LIVE_VERSION', 'a rollout needs a live version to roll out from')
    if (version === live()) throw new CserviceError('ALREADY_LIVE', `${version} is live already`)
    if (this.#plan !== null && this.#plan.version !== version)
      throw new CserviceError('ROLLOUT_RUNNING', `${this.#plan.version} is being rolled out`)
  }

  /** No step follows until `resume`; the share stays, and so does the guard. @throws CserviceError NO_ROLLOUT */
  pause(by: string): Promise<RolloutAnswer> {
    return this.#parts.exclusively(async () => this.#change(paused(this.#need(), this.#parts.now()), by, 'pause'))
  }

  /** @throws CserviceError NO_ROLLOUT */
  resume(by: string): Promise<RolloutAnswer> {
    this.#mover.reset()
    return this.#parts.exclusively(async () => this.#change(resumed(this.#need(), this.#parts.now()), by, 'resume'))
  }

  /** All requests that name no version go to the live one again. @throws CserviceError NO_ROLLOUT */
  abort(by: string): Promise<RolloutEnd> {
    return this.#parts.exclusively(async () => {
      const plan = this.#need()
      return this.#end(plan, by, `asked for by ${by}`)
    })
  }

  /** At the start of the gateway: goes on with what proxy.json says. Requests are routed at once if the candidate serves. */
  restore(config: RolloutConfig | null): void {
    if (config === null) return
    const plan = begin(config, this.#parts.now())
    this.#set(plan)
    this.#bringUp(plan)
  }

  /** Somebody has edited proxy.json. Must be called when no other change is under way. */
  async follow(config: RolloutConfig | null): Promise<void> {
    const plan = this.#plan
    if (config !== null && config.version === this.#parts.live()) {
      await this.#parts.rewrite({ rollout: undefined })
      if (plan !== null)
        await this.#journal.ended(this.#forget(plan, 'done', 'it was made live by an edit'), 'proxy.json')
    } else if (config === null && plan !== null) {
      await this.#end(plan, 'proxy.json', 'it was taken out of proxy.json')
    } else if (config !== null && (plan === null || !isSamePlan(config, plan))) {
      const now = this.#parts.now()
      const next = plan === null ? begin(config, now) : edited(plan, config, now)
      await this.#change(next, 'proxy.json', plan === null ? 'start' : 'change')
    }
  }

  /** A promote has taken it out of proxy.json. @returns how to put it back, if the promote fails */
  clear(): () => void {
    const plan = this.#plan
    if (plan === null) return () => {}
    this.#set(null)
    this.#cleared = plan
    return () => {
      this.#cleared = null
      this.#set(plan)
    }
  }

  /** A version has been made live, which ends the rollout that the promote has cleared. */
  promoted(version: string): void {
    const ended = this.#cleared
    this.#cleared = null
    // What is compared from now on is another live version.
    if (this.#plan !== null) this.#guard = new Guard(this.#plan.guard)
    if (ended === null) this.#journaled = Promise.resolve(null)
    else {
      const isDone = ended.version === version
      const end = this.#forget(ended, isDone ? 'done' : 'aborted', isDone ? 'it is live' : `${version} was made live`)
      this.#journaled = this.#journal.ended(end, this.#mover.isMoving ? schedule : 'promote').then(() => end)
    }
  }

  /** The rollout that the last promote has ended, once the journal has it. */
  get endedByPromote(): Promise<RolloutEnd | null> {
    return this.#journaled
  }

  /** Figures of a proxy process. */
  count(counters: readonly VersionCounters[]): void {
    const plan = this.#plan
    if (plan === null) return
    for (const { version, answers } of counters) {
      if (answers === undefined) continue
      if (version === plan.version) this.#guard.add('candidate', answers)
      else if (version === this.#parts.live()) this.#guard.add('live', answers)
    }
    this.#mover.look()
  }

  close(): void {
    this.#mover.close()
    this.#candidate.close()
  }

  async #move(plan: RolloutPlan, move: RealMove): Promise<void> {
    if (move.kind === 'step') await this.#change(atStep(plan, move.step, this.#parts.now()), schedule, 'step')
    else if (move.kind === 'abort') await this.#end(plan, 'guard', move.why)
    else {
      await this.#parts.promote(plan.version, plan.workers ?? this.#parts.config().workerCount, schedule)
      await this.#journaled
    }
  }

  async #change(next: RolloutPlan, by: string, event: RolloutEvent): Promise<RolloutAnswer> {
    const began = this.#parts.now().steady
    const former = this.#plan
    const verdict = this.#guard.verdict
    try {
      const { epoch, workers } = await put(this.#parts, next, (plan) => this.#set(plan), former)
      this.#mover.reset()
      const answer = { version: next.version, share: shareOf(next), state: next.state, workers, epoch }
      await this.#journal.changed(event, next, { by, began, workers, epoch, verdict: former === null ? null : verdict })
      return answer
    } catch (thrown) {
      const error = toCserviceError(thrown)
      await this.#journal.failed(event, next, { by, began, error })
      throw error
    }
  }

  async #end(plan: RolloutPlan, by: string, why: string): Promise<RolloutEnd> {
    this.#takeBack()
    try {
      await takeBack(this.#parts)
    } catch (error) {
      // An alarm stands, whether or not it can be written down; what an operator cannot have done is as it was.
      if (this.#guard.verdict.state !== 'alarm') {
        this.#isTakenBack = false
        this.#parts.publish()
      }
      throw error
    }
    const end = this.#forget(plan, 'aborted', why)
    await this.#journal.ended(end, by)
    this.#parts.shrink(plan.version)
    return end
  }

  #takeBack(): void {
    this.#isTakenBack = true
    this.#parts.publish()
  }

  #forget(plan: RolloutPlan, result: RolloutEnd['result'], why: string): RolloutEnd {
    this.#last = endOf(plan, { result, why, verdict: this.#guard.verdict, at: this.#parts.now().wall })
    this.#set(null)
    this.#parts.publish()
    this.#parts.log.info(this.#last, `the rollout of ${plan.version} is ${result}: ${why}`)
    return this.#last
  }

  /** The plan is another one; publishing it is left to the caller. */
  #set(plan: RolloutPlan | null): void {
    const former = this.#plan
    this.#plan = plan
    this.#isTakenBack = false
    this.#parts.hold(plan?.version ?? null)
    if (plan !== null && isNewComparison(plan, former)) this.#guard = new Guard(plan.guard)
    this.#mover.reset()
  }

  #bringUp(plan: RolloutPlan): void {
    this.#candidate.look(plan.version, workersOf(plan, this.#parts.config()))
  }

  #outlook({ version }: RolloutPlan): Outlook {
    return { steady: this.#parts.now().steady, ...candidateState(this.#parts, version), verdict: this.#guard.verdict }
  }

  #need(): RolloutPlan {
    if (this.#plan === null) throw new CserviceError('NO_ROLLOUT')
    return this.#plan
  }
}
