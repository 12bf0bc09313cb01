import { asJson, errorAsJson } from '../common/as-json.ts'
import { CserviceError, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { Answer, CallMessage } from '../common/worker-messages.ts'
import type { CommandRegistry } from './control/command-registry.ts'
import type { Supervisor } from './supervisor.ts'
import type { WorkerHandle } from './worker.ts'
import { WorkerCommands } from './worker-commands.ts'
import { readMessage } from './worker-message.ts'

export interface WorkerCallsOptions {
  readonly supervisor: Supervisor
  readonly registry: CommandRegistry
  readonly log: Log
  /** Whether a worker runs as another user than this process, and so is trusted no more than a remote caller. */
  isForeign?(worker: WorkerHandle): boolean
  /** How long one worker may take to run a command that it registered, in milliseconds. */
  readonly deadline?: number
}

const defaultDeadline = 60_000
/** Calls of one worker that may be under way. */
const callLimit = 1_000

/**
 * Serves the library inside the workers: they run commands of the service, and register commands of their own, which the
 * service then has. What a worker says is not trusted, and that it dies meanwhile costs nothing here.
 */
export class WorkerCalls {
  readonly #options: WorkerCallsOptions
  readonly #commands: WorkerCommands

  constructor(options: WorkerCallsOptions) {
    this.#options = options
    const { registry, log, deadline = defaultDeadline } = options
    this.#commands = new WorkerCommands({ registry, log, deadline })
    options.supervisor.on('worker', (worker) => {
      if (worker.kind !== 'own' && worker.kind !== 'program') this.#serve(worker)
    })
  }

  #serve(worker: WorkerHandle): void {
    const { log } = this.#options
    const isForeign = this.#options.isForeign?.(worker) ?? false
    let underWay = 0
    let hasBrokenRules = false
    worker.on('message', (body) => {
      const message = readMessage(body)
      if (message?.type === 'register') {
        this.#commands.register(worker, message, !isForeign)
      } else if (message?.type === 'call') {
        underWay++
        void this.#run(worker, message, isForeign, underWay > callLimit).then(() => underWay--)
      } else if (message !== null) {
        this.#commands.settle(worker, message)
      } else if (!hasBrokenRules) {
        hasBrokenRules = true
        log.warn({ worker: worker.name, pid: worker.pid }, 'a worker sent what is not understood; it is ignored')
      }
    })
    worker.once('exit', () => this.#commands.forget(worker))
  }

  async #run(
    worker: WorkerHandle,
    { id, name, args }: CallMessage,
    isForeign: boolean,
    isTooMuch: boolean,
  ): Promise<void> {
    let answer: Answer
    try {
      if (isTooMuch)
        throw new CserviceError('TOO_MANY_CALLS', `More than ${callLimit} calls of this worker are under way`)
      const { registry } = this.#options
      if (registry.get(name) === undefined) throw new CserviceError('UNKNOWN_COMMAND', `Event ${name} not found`)
      const caller = { level: isForeign ? 'remote' : 'local', name: `${worker.name}:${worker.pid}` } as const
      const result = await registry.call(name, args, caller)
      answer = { type: 'result', id, result: asJson(result, `The result of "${name}"`) }
    } catch (error) {
      answer = { type: 'failure', id, error: errorAsJson(toCserviceError(error)) }
    }
    worker.send(answer) // whoever is gone does not miss it
  }
}
