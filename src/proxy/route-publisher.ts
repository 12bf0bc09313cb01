import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { CserviceError } from '../common/errors.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import type { ToProxyProcess } from './messages.ts'
import { RouteTable, type RouteTableData } from './routing/route-table.ts'

/** A proxy process, as far as the publisher is concerned. */
export type ProxyProcess = Pick<WorkerHandle, 'id' | 'pid' | 'send'>

/** What one proxy process is known to use. */
interface Subscriber {
  readonly worker: ProxyProcess
  acknowledged: number
  /** Targets that it was told of and has not let go of yet. */
  readonly holds: Set<string>
}

/**
 * Owns the current route table: numbers it, sends it to every proxy process, and knows who uses which. A proxy process
 * that is gone is nobody to wait for.
 */
export class RoutePublisher {
  #table = RouteTable.empty
  readonly #subscribers = new Map<string, Subscriber>()
  /** `progress` after each ack, release or departure. */
  readonly #events = new EventEmitter<{ progress: [] }>().setMaxListeners(0)

  /** Whether proxy processes have been told that the gateway is about to stop. */
  get isLeaving(): boolean {
    return this.#table.toData().isLeaving === true
  }

  get table(): RouteTable {
    return this.#table
  }

  /** Sends a table of the next epoch to all, and returns that epoch. Nothing is sent when nothing has changed. */
  publish(routes: Omit<RouteTableData, 'epoch' | 'isLeaving'>): number {
    return this.#publish(this.isLeaving ? { ...routes, isLeaving: true } : routes)
  }

  /** Tells all that the gateway is about to stop, once and for good; returns the epoch that says so. */
  leave(): number {
    const { epoch: _epoch, ...routes } = this.#table.toData()
    return this.#publish({ ...routes, isLeaving: true })
  }

  /** Another publisher has got this far before: proxy processes take only what is newer. To be called before the first table. */
  continueFrom(epoch: number): void {
    this.#table = new RouteTable({ ...RouteTable.empty.toData(), epoch })
  }

  /** A proxy process has (again) opened its channel: it gets the current table. */
  subscribe(worker: ProxyProcess): void {
    const subscriber = this.#subscribers.get(worker.id) ?? { worker, acknowledged: 0, holds: new Set<string>() }
    this.#subscribers.set(worker.id, subscriber)
    this.#send(subscriber)
  }

  unsubscribe(worker: ProxyProcess): void {
    this.#subscribers.delete(worker.id)
    this.#events.emit('progress')
  }

  acknowledge(worker: ProxyProcess, epoch: number): void {
    const subscriber = this.#subscribers.get(worker.id)
    if (!subscriber || subscriber.acknowledged >= epoch) return
    subscriber.acknowledged = epoch
    this.#events.emit('progress')
  }

  release(worker: ProxyProcess, targets: readonly string[]): void {
    const subscriber = this.#subscribers.get(worker.id)
    for (const target of targets) subscriber?.holds.delete(target)
    this.#events.emit('progress')
  }

  /** The epoch that a proxy process said it uses; 0 before the first. */
  epochOf(worker: ProxyProcess): number {
    return this.#subscribers.get(worker.id)?.acknowledged ?? 0
  }

  /** Processes that still have requests in flight on a target that has left the table, or may have. */
  holders(target: string): readonly ProxyProcess[] {
    return this.#all((subscriber) => subscriber.holds.has(target))
  }

  /**
   * Resolves when no proxy process routes by a table older than `epoch`.
   * @throws CserviceError NOT_ACKNOWLEDGED after `deadline` milliseconds, with the pids that did not answer
   */
  async acknowledged(epoch: number, deadline: number): Promise<void> {
    const late = () => this.#all((subscriber) => subscriber.acknowledged < epoch)
    if (await this.#until(() => late().length === 0, deadline)) return
    const pids = late().map((worker) => worker.pid)
    throw new CserviceError(
      'NOT_ACKNOWLEDGED',
      `proxy process ${pids.join(', ')} did not take over the new routes within ${deadline / 1000} s`,
      {
        details: { pids, epoch },
      },
    )
  }

  /** Resolves when no proxy process has anything in flight on a target that has left the table; false: `deadline` passed. */
  released(target: string, deadline: number): Promise<boolean> {
    return this.#until(() => this.holders(target).length === 0, deadline)
  }

  #all(condition: (subscriber: Subscriber) => boolean): ProxyProcess[] {
    return [...this.#subscribers.values()].filter(condition).map(({ worker }) => worker)
  }

  #publish(routes: Omit<RouteTableData, 'epoch'>): number {
    const { epoch } = this.#table
    if (epoch > 0 && isSame(this.#table.toData(), routes)) return epoch
    this.#table = new RouteTable({ epoch: epoch + 1, ...routes }, this.#table)
    for (const subscriber of this.#subscribers.values()) this.#send(subscriber)
    return epoch + 1
  }

  #send(subscriber: Subscriber): void {
    const isSent = subscriber.worker.send({ type: 'routes', table: this.#table.toData() } satisfies ToProxyProcess)
    if (isSent) for (const target of this.#table.targets()) subscriber.holds.add(target.id)
  }

  async #until(condition: () => boolean, deadline: number): Promise<boolean> {
    if (condition()) return true
    let check = () => {}
    let timer: NodeJS.Timeout | undefined
    const happened = await new Promise<boolean>((resolve) => {
      check = () => condition() && resolve(true)
      this.#events.on('progress', check)
      timer = setTimeout(resolve, deadline, false)
    })
    this.#events.off('progress', check)
    clearTimeout(timer)
    return happened
  }
}

function isSame(table: RouteTableData, routes: Omit<RouteTableData, 'epoch'>): boolean {
  return isDeepStrictEqual({ ...table, epoch: 0 }, { ...routes, epoch: 0 })
}
