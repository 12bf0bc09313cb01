import { asJson, errorAsJson } from '../common/as-json.ts'
import { CserviceError, fromErrorData, toCserviceError } from '../common/errors.ts'
import type { FromLibrary, RegisterMessage, ToLibrary } from '../common/worker-messages.ts'
import type { Command, CommandContext } from '../supervisor/control/command.ts'
import type { Agent } from './agent.ts'

const neverAborted = new AbortController().signal

interface PendingCall {
  resolve(result: unknown): void
  reject(error: CserviceError): void
}

/**
 * A worker's line to the service that started it: calls its commands, and runs those of this worker when they are called.
 * Owns the calls under way.
 */
export class WorkerLine {
  readonly #send: (message: FromLibrary) => void
  readonly #pending = new Map<number, PendingCall>()
  readonly #commands = new Map<string, Command>()
  #lastId = 0
  #awake: NodeJS.Timeout | null = null

  constructor(agent: Agent) {
    this.#send = (message) => agent.send?.(message)
    agent.onMessage = (body) => this.#receive(body as ToLibrary)
  }

  /**
   * Runs a command of the service; takes as long as the command does.
   * @throws CserviceError BAD_USAGE for an argument that is no JSON, UNKNOWN_COMMAND, and whatever the command throws
   */
  call(name: string, args: readonly unknown[]): Promise<unknown> {
    const values = asJson(args, 'An argument') as unknown[]
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#stayAwake()
      this.#send({ type: 'call', id, name: String(name), args: values })
    })
  }

  /** From now on the service has the command, and runs it here too. */
  register(command: Command): void {
    const { name, level, hasDefaultLevel = false, isVisible } = command
    this.#commands.set(name, command)
    const message = { type: 'register', name, level: hasDefaultLevel ? null : level, isVisible, help: null } as const
    this.#send(message)
    if (typeof command.help === 'function') void this.#sendHelp(message, command.help)
  }

  async #sendHelp(message: RegisterMessage, ask: () => Promise<unknown>): Promise<void> {
    try {
      const help = asJson(await ask(), 'help')
      if (help !== null) this.#send({ ...message, help })
    } catch {
      // then it has none
    }
  }

  #receive(message: ToLibrary): void {
    if (message.type === 'call') {
      void this.#run(message)
      return
    }
    const pending = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    this.#stayAwake()
    if (message.type === 'result') pending?.resolve(message.result)
    else pending?.reject(fromErrorData(message.error))
  }

  async #run({ id, name, args }: Extract<ToLibrary, { type: 'call' }>): Promise<void> {
    try {
      const command = this.#commands.get(name)
      if (command === undefined) throw new CserviceError('UNKNOWN_COMMAND', `Event ${name} not found`)
      const result = await command.run(args, createContext(args))
      this.#send({ type: 'result', id, result: asJson(result, `The result of "${name}"`) })
    } catch (error) {
      this.#send({ type: 'failure', id, error: errorAsJson(toCserviceError(error)) })
    }
  }

  /** The channel does not keep the process alive; whoever waits for an answer does. */
  #stayAwake(): void {
    if (this.#pending.size > 0) {
      this.#awake ??= setInterval(() => {}, 2 ** 30)
    } else if (this.#awake !== null) {
      clearInterval(this.#awake)
      this.#awake = null
    }
  }
}

/** What a command gets in a worker, whose caller the service has checked. It has no log of ours. */
function createContext(args: readonly unknown[]): CommandContext {
  const log = { warn: () => {} } as unknown as CommandContext['log']
  const words = args.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return { caller: { level: 'inproc', name: 'service' }, signal: neverAborted, log, words, report: () => {} }
}
