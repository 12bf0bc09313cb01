import { CserviceError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { nearest } from '../../common/nearest.ts'
import { isAllowed, type KeyRights, parseLevel } from './access.ts'
import type { AccessLevel, ByteRoute, Caller, Command } from './command.ts'

/** The commands that there are, by name, and the level that each needs. */
export class CommandTable {
  /** Commands of the service, in the order of registration. */
  readonly #own = new Map<string, Command>()
  /** Commands of the user, which go before those of the service. */
  readonly #custom = new Map<string, Command>()
  readonly #levels = new Map<string, AccessLevel>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** @throws Error when the name is taken: two parts of the service claim it */
  register(command: Command): void {
    if (this.#own.has(command.name)) throw new Error(`The command "${command.name}" is registered twice`)
    this.#own.set(command.name, command)
    this.#takeLevel(command)
  }

  /** Puts a command of the user in the place of the one of that name, or at the end. */
  override(command: Command): void {
    if (this.#own.has(command.name)) this.#log.info({ command: command.name }, 'a command of the service is replaced')
    this.#custom.set(command.name, command)
    this.#takeLevel(command)
  }

  /** Takes a command of the user away; one of the service that it had replaced is there again. Its level stays. */
  unregister(name: string): boolean {
    return this.#custom.delete(name)
  }

  /**
   * Changes the levels of commands that are there, or will be. A command that comes later with a level of its own has that.
   * @throws CserviceError BAD_USAGE `<x> is not a valid control level.`: nothing is changed then
   */
  setLevels(levels: Readonly<Record<string, unknown>>): void {
    const parsed = Object.entries(levels).map(([name, level]) => [name, parseLevel(level)] as const)
    for (const [name, level] of parsed) this.#levels.set(name, level)
  }

  /** The level that a caller needs for a command: `remote` for one that nobody has given a level. */
  levelOf(name: string): AccessLevel {
    return this.#levels.get(name) ?? 'remote'
  }

  /** Whether a caller may run a command of this name. */
  mayRun(name: string, caller: Caller, rights?: KeyRights): boolean {
    const level = this.levelOf(name)
    return isAllowed(caller.level, rights?.levelOf(name, level) ?? level)
  }

  get(name: string): Command | undefined {
    return this.#custom.get(name) ?? this.#own.get(name)
  }

  /** In the order of registration: those of the service, then those of the user. */
  list(): Command[] {
    return [...new Map([...this.#own, ...this.#custom]).values()]
  }

  /** The command that has this route, and the route; undefined: none has. */
  findRoute(path: string): { readonly command: Command; readonly route: ByteRoute } | undefined {
    for (const command of this.list()) {
      const route = command.routes?.find((candidate) => candidate.path === path)
      if (route !== undefined) return { command, route }
    }
    return undefined
  }

  /** The name that a mistyped one most likely means. */
  nearest(name: string): string | null {
    return nearest(
      name,
      this.list()
        .filter((command) => command.isVisible)
        .map((command) => command.name),
    )
  }

  /** The error for a name that is not there. */
  protected unknown(name: string): CserviceError {
    const meant = this.nearest(name)
    const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name
    return new CserviceError(
      'UNKNOWN_COMMAND',
      `No such command: ${shown}`,
      meant === null ? {} : { hint: `Did you mean "${meant}"? cservice help lists the commands.` },
    )
  }

  #takeLevel({ name, level, hasDefaultLevel = false }: Command): void {
    if (!hasDefaultLevel || !this.#levels.has(name)) this.#levels.set(name, level)
  }
}
