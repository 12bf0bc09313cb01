import { asJson, errorAsJson } from '../common/as-json.ts'
import { CserviceError, fromErrorData, toCserviceError } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { Answer, RegisterMessage, ToLibrary } from '../common/worker-messages.ts'
import type { Command, CommandContext } from './control/command.ts'
import type { CommandRegistry } from './control/command-registry.ts'
import type { WorkerHandle } from './worker.ts'

export interface WorkerCommandsOptions {
  readonly registry: CommandRegistry
  readonly log: Log
  /** How long one worker may take to run its command, in milliseconds. */
  readonly deadline: number
}

/** One command that workers have registered, and who of them. */
interface Entry {
  readonly run: Command['run']
  readonly workers: Set<WorkerHandle>
  /** What was said of it last, as text: only what is new goes before what `control` has set meanwhile. */
  said: string
  isDisplaced: boolean
}

type Settle = (answer: { readonly result: unknown } | { readonly error: CserviceError }) => void

/** Names that are remembered: a worker that registers another one each time it starts must not fill our memory. */
const nameLimit = 1_000

/**
 * The commands that live in the workers: each is a command of the service, which runs it in every worker that has registered
 * it and answers what each of them said. Owns who has what, and the calls under way.
 */
export class WorkerCommands {
  readonly #options: WorkerCommandsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #calls = new Map<WorkerHandle, Map<number, Settle>>()
  #lastId = 0

  constructor(options: WorkerCommandsOptions) {
    this.#options = options
  }

  /**
   * @param mayChange whether the worker is trusted to say anew what level an existing command has
   * A command of the service or of its program with that name stays as it is.
   */
  register(worker: WorkerHandle, message: RegisterMessage, mayChange: boolean): void {
    const { name } = message
    const entry = this.#entries.get(name) ?? this.#create(name)
    if (entry === null) return
    const { registry, log } = this.#options
    const present = registry.get(name)
    if (present !== undefined && present.run !== entry.run) {
      if (!entry.isDisplaced) log.warn({ command: name, worker: worker.name }, 'a worker may not replace this command')
      entry.isDisplaced = true
      return
    }
    entry.isDisplaced = false
    entry.workers.add(worker)
    const said = JSON.stringify(message)
    if (present !== undefined && (said === entry.said || !mayChange)) return
    entry.said = said
    registry.override(toCommand(message, entry.run, mayChange))
  }

  /** An answer of a worker to one of our calls; one that nobody waits for any more is dropped. */
  settle(worker: WorkerHandle, answer: Answer): void {
    const settle = this.#calls.get(worker)?.get(answer.id)
    settle?.(answer.type === 'result' ? { result: answer.result } : { error: fromErrorData(answer.error) })
  }

  /** The worker is gone. */
  forget(worker: WorkerHandle): void {
    for (const entry of this.#entries.values()) entry.workers.delete(worker)
    const error = new CserviceError('WORKER_FAILED', 'The worker exited before it answered')
    for (const settle of this.#calls.get(worker)?.values() ?? []) settle({ error })
    this.#calls.delete(worker)
  }

  #create(name: string): Entry | null {
    if (this.#entries.size >= nameLimit) return null
    const workers = new Set<WorkerHandle>()
    const run: Command['run'] = (args, context) => this.#broadcast(name, [...workers], args, context)
    const entry = { run, workers, said: '', isDisplaced: false }
    this.#entries.set(name, entry)
    return entry
  }

  async #broadcast(
    name: string,
    workers: readonly WorkerHandle[],
    args: readonly unknown[],
    { signal }: CommandContext,
  ): Promise<unknown> {
    if (workers.length === 0) throw new CserviceError('NO_WORKER', `no worker has the command "${name}" at the moment`)
    const values = asJson(args, 'An argument') as unknown[]
    return { workers: await Promise.all(workers.map((worker) => this.#answerOf(worker, name, values, signal))) }
  }

  async #answerOf(worker: WorkerHandle, name: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const who = { pid: worker.pid, worker: worker.name }
    try {
      return { ...who, result: await this.#call(worker, name, args, signal) }
    } catch (error) {
      const { code, message } = errorAsJson(toCserviceError(error))
      return { ...who, error: { code, message } }
    }
  }

  #call(worker: WorkerHandle, name: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const { deadline } = this.#options
    const id = ++this.#lastId
    const calls = this.#calls.get(worker) ?? new Map<number, Settle>()
    this.#calls.set(worker, calls)
    return new Promise((resolve, reject) => {
      const settle: Settle = (answer) => {
        calls.delete(id)
        clearTimeout(timer)
        signal.removeEventListener('abort', cancel)
        if ('error' in answer) reject(answer.error)
        else resolve(answer.result)
      }
      const cancel = () => settle({ error: new CserviceError('CANCELLED') })
      const timer = setTimeout(() => {
        settle({ error: new CserviceError('TIMED_OUT', `The worker did not answer within ${deadline} ms`) })
      }, deadline)
      calls.set(id, settle)
      signal.addEventListener('abort', cancel)
      const isSent = worker.send({ type: 'call', id, name, args } satisfies ToLibrary)
      if (!isSent) settle({ error: new CserviceError('WORKER_FAILED', 'The worker cannot be reached') })
    })
  }
}

/** @param mayChange whether the level goes before one that the program has set for this name, perhaps before it was there */
function toCommand(
  { name, level, isVisible, help }: RegisterMessage,
  run: Command['run'],
  mayChange: boolean,
): Command {
  const shown = help ?? { info: 'Runs in every worker that has it.', command: name }
  const base = { name, isVisible, help: async () => shown, runsAtOnce: () => true, run }
  return { ...base, level: level ?? 'remote', hasDefaultLevel: level === null || !mayChange }
}
