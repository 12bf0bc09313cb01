import { readdirSync, statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CserviceError } from '../../common/errors.ts'
import type { CommandFunction, CommandStatics } from './custom-command.ts'

/** A command of the user out of a file; `customCommand` makes one of ours of it. */
export interface LoadedCommand {
  readonly name: string
  readonly file: string
  readonly run: CommandFunction
  readonly statics: CommandStatics
}

const extensions = new Set(['.js', '.cjs', '.mjs'])
const loadMs = 30_000

/**
 * Loads each `*.js`, `*.cjs` and `*.mjs` of some directories, in the order of the directories and then of the names; not
 * what lies deeper. A command's name is the `id` that it exports, else the file's name.
 * @param directories a list, or a text separated by commas
 * @throws CserviceError BAD_USAGE for neither of these, CONFIG_INVALID for a directory or a file that cannot be used
 */
export async function loadCommands(directories: unknown, cwd: string = process.cwd()): Promise<LoadedCommand[]> {
  const commands: LoadedCommand[] = []
  for (const directory of toList(directories)) {
    for (const file of listFiles(resolve(cwd, directory))) commands.push(await load(file))
  }
  return commands
}

function toList(directories: unknown): readonly string[] {
  const list = typeof directories === 'string' ? directories.split(',') : directories
  if (!Array.isArray(list) || list.some((item) => typeof item !== 'string')) {
    throw new CserviceError('BAD_USAGE', "Option 'commands' must be a comma-delimited string or an array of strings.", {
      hint: '--commands ./commands,./more-commands',
    })
  }
  return list.map((item: string) => item.trim()).filter((item) => item.length > 0)
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => extensions.has(extname(name)) && !name.startsWith('.'))
      .sort()
      .map((name) => join(directory, name))
      .filter((path) => statSync(path).isFile())
  } catch (error) {
    const { code, path = directory } = error as NodeJS.ErrnoException
    throw new CserviceError('CONFIG_INVALID', `Option 'commands': ${path} cannot be read (${code})`, {
      cause: error,
      hint: 'Each of them must be a directory with files of commands.',
    })
  }
}

async function load(file: string): Promise<LoadedCommand> {
  const exported = await importInTime(file)
  const run = findFunction(exported.default)
  if (typeof run !== 'function') throw wrong(file, 'exports no function')
  const own = run as CommandFunction
  const statics = pickStatics(own, exported)
  if (statics.id !== undefined && typeof statics.id !== 'string') throw wrong(file, 'has an id that is not a string')
  return { name: statics.id ?? basename(file, extname(file)), file, run: own, statics }
}

/** What CommonJS exports is `default` of the module; compilers put a `default` of their own into that. */
function findFunction(exported: unknown): unknown {
  const isWrapped = typeof exported === 'object' && exported !== null && 'default' in exported
  return isWrapped ? exported.default : exported
}

/** What stands at the function goes before what an ES module exports by name. */
function pickStatics(run: CommandFunction, exported: CommandStatics): CommandStatics {
  const id = run.id ?? exported.id
  const more = run.more ?? exported.more
  const control = run.control ?? exported.control
  const visible = run.visible ?? exported.visible
  return {
    ...(id === undefined ? {} : { id }),
    ...(more === undefined ? {} : { more }),
    ...(control === undefined ? {} : { control }),
    ...(visible === undefined ? {} : { visible }),
  }
}

async function importInTime(file: string): Promise<CommandStatics & { default?: unknown }> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(wrong(file, `had not loaded after ${loadMs / 1_000} s`)), loadMs)
  })
  try {
    return await Promise.race([import(pathToFileURL(file).href), tooLate])
  } catch (error) {
    if (error instanceof CserviceError) throw error
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw wrong(file, `could not be loaded: ${reason}`, error)
  } finally {
    clearTimeout(timer)
  }
}

function wrong(file: string, reason: string, cause?: unknown): CserviceError {
  return new CserviceError('CONFIG_INVALID', `The command ${file} ${reason}`, {
    cause,
    hint: 'A file of a command exports a function (event, callback, ...words).',
  })
}
