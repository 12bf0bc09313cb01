import { CserviceError } from '../common/errors.ts'
import { parseLevel } from '../supervisor/control/access.ts'
import type { AccessLevel, Command } from '../supervisor/control/command.ts'
import type { CommandRegistry } from '../supervisor/control/command-registry.ts'
import {
  type CommandStatics,
  type CommandSurroundings,
  customCommand,
  type CommandFunction as Runnable,
} from '../supervisor/control/custom-command.ts'

/** The commands and access levels that the program has given: kept for each service that it starts, now or later. */
export class CustomCommands {
  readonly #surroundings: CommandSurroundings
  readonly #commands = new Map<string, Command>()
  readonly #levels = new Map<string, AccessLevel>()
  #loading: Promise<unknown> = Promise.resolve()
  #registry: CommandRegistry | null = null

  constructor(surroundings: CommandSurroundings) {
    this.#surroundings = surroundings
  }

  /** @throws CserviceError BAD_USAGE for what is no command */
  add(name: string, run: Runnable, statics?: CommandStatics): void {
    const command = customCommand(name, run, this.#surroundings, statics)
    this.#commands.set(name, command)
    // Later wins, also for the services that are still to come.
    if (command.hasDefaultLevel !== true) this.#levels.delete(name)
    this.#registry?.override(command)
  }

  /** @throws CserviceError BAD_USAGE for a level that does not exist: nothing is changed then */
  setLevels(levels: Readonly<Record<string, unknown>>): void {
    if (typeof levels !== 'object' || levels === null) {
      throw new CserviceError('BAD_USAGE', "The levels are an object: control({ restart: 'local' })")
    }
    const parsed = Object.entries(levels).map(([name, level]) => [name, parseLevel(level)] as const)
    for (const [name, level] of parsed) this.#levels.set(name, level)
    this.#registry?.setLevels(levels)
  }

  /** Adds what directories hold. @throws CserviceError BAD_USAGE, CONFIG_INVALID */
  async load(directories: string | readonly string[]): Promise<void> {
    const loading = this.#load(directories)
    this.#loading = Promise.all([this.#loading, loading.catch(() => {})])
    await loading
  }

  /** Gives a service all of them, also those that are being loaded; and what comes later, until `release`. */
  async registerWith(registry: CommandRegistry): Promise<void> {
    await this.#loading
    this.#registry = registry
    for (const command of this.#commands.values()) registry.override(command)
    registry.setLevels(Object.fromEntries(this.#levels))
  }

  release(): void {
    this.#registry = null
  }

  get names(): readonly string[] {
    return [...this.#commands.keys()]
  }

  /** Runs one where no service runs. @throws CserviceError UNKNOWN_COMMAND, and what the command throws */
  async run(name: string, args: readonly unknown[]): Promise<unknown> {
    const command = this.#commands.get(name)
    if (command === undefined) throw new CserviceError('UNKNOWN_COMMAND', `Event ${name} not found`)
    const { CommandRegistry } = await import('../supervisor/control/command-registry.ts')
    const { silentLog } = await import('../common/log.ts')
    const registry = new CommandRegistry(silentLog())
    registry.override(command)
    return await registry.call(name, args, { level: 'inproc', name: 'program' })
  }

  async #load(directories: string | readonly string[]): Promise<void> {
    const cwd = process.cwd()
    const { loadCommands } = await import('../supervisor/control/load-commands.ts')
    for (const { name, run, statics } of await loadCommands(directories, cwd)) this.add(name, run, statics)
  }
}
