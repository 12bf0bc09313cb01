import { extname } from 'node:path'
import { type Command, CommanderError } from 'commander'
import { CserviceError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { parseCommandLine } from '../supervisor/control/command-line.ts'
import { canonical, toCamel } from './canonical.ts'
import { takeCommandOptions } from './command-options.ts'
import { knownCommands } from './known-commands.ts'
import { declareOptions, type GivenOptions, type Options, ofTheService } from './options.ts'

/** What a command line asks for. `given` has the options for a service, only those that were given. */
export type Invocation = { readonly options: Options; readonly given: GivenOptions } & (
  | { readonly kind: 'help' | 'version' | 'nothing' | 'service' }
  | { readonly kind: 'command'; readonly words: readonly string[] }
)

/** The environment variable for the access key: arguments can be seen by everybody on the machine (`ps`). */
export const accessKeyVariable = 'CSERVICE_ACCESS_KEY'
/** The same for `--ssl.passphrase`. */
export const passphraseVariable = 'CSERVICE_SSL_PASSPHRASE'

/**
 * Understands the arguments of `cservice` and `cserviced`. Options may stand anywhere, in camelCase or kebab-case, also as
 * `--cs.<name>`. What is left over is the file of a service to start, or the words of a command; a single text with spaces
 * is a whole command line. What follows `--` are arguments of the workers, or further words of the command.
 * @param argv without the program itself
 * @throws CserviceError UNKNOWN_OPTION, BAD_USAGE
 */
export function parseArguments(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Invocation {
  const program = declareOptions()
  const [typedWords, typedBehind] = splitVersionOfHistory(split(argv))
  const { left: own, words: ofTheCommand } = takeCommandOptions(typedWords)
  const behind = [...ofTheCommand, ...typedBehind]
  program.allowUnknownOption(ownOptions.test(own.join(' ')))
  try {
    program.parse(canonical(own, program), { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) throw toUsageError(error, own, program)
    throw error
  }
  const { help, version, ...typed } = program.opts<Partial<Options> & { help?: boolean; version?: boolean }>()
  const all = { ...typed, ...secretsOf(environment, typed) }
  if (all.accessKey === '') throw new CserviceError('BAD_USAGE', 'The access key is empty')
  const options = toOptions(all)
  const given = ofTheService(all)
  if (help) return { kind: 'help', options, given }
  if (version) return { kind: 'version', options, given }
  return toInvocation(program.args, behind, options, given)
}

/** Whether the answer must be JSON, also when the rest of the command line is not understood. */
export function wantsJson(argv: readonly string[]): boolean {
  const [own] = split(argv)
  const at = own.findLastIndex((word) => /^--(no-)?(cs\.)?json(=|$)/.test(word))
  const last = own[at]
  if (last === undefined || last.startsWith('--no-') || last.endsWith('=false')) return false
  return last.includes('=') || own[at + 1] !== 'false'
}

/** Commands with options of their own, which the service checks; `proxy why` takes a request as curl does. */
const ownOptions = /(^| )proxy (why|deploy|promote|rollback|history|remove)( |$)/

/** `proxy history --version v3` means a version of the gateway; everywhere else the option is ours. */
function splitVersionOfHistory([own, behind]: ReturnType<typeof split>): ReturnType<typeof split> {
  const command = own.findIndex((word, index) => word === 'history' && own[index - 1] === 'proxy')
  const at = own.findIndex((word, index) => index > command && /^--version(=|$)/.test(word))
  if (command === -1 || at === -1) return [own, behind]
  const end = at + (own[at] === '--version' ? 2 : 1)
  return [
    [...own.slice(0, at), ...own.slice(end)],
    [...own.slice(at, end), ...behind],
  ]
}

/** What stands before `--`, and behind it. */
function split(argv: readonly string[]): [own: readonly string[], behind: readonly string[]] {
  const separator = argv.indexOf('--')
  return separator === -1 ? [argv, []] : [argv.slice(0, separator), argv.slice(separator + 1)]
}

/** The secrets that came by the environment, unless they were typed. */
function secretsOf(environment: NodeJS.ProcessEnv, typed: GivenOptions): GivenOptions {
  const key = typed.accessKey === undefined ? environment[accessKeyVariable] : undefined
  const passphrase = environment[passphraseVariable]
  const { ssl } = typed
  const isMissing = typeof ssl === 'object' && ssl !== null && !Object.hasOwn(ssl, 'passphrase')
  return { ...(key ? { accessKey: key } : {}), ...(passphrase && isMissing ? { ssl: { ...ssl, passphrase } } : {}) }
}

function toOptions(all: Partial<Options>): Options {
  const { port = 11987, host = 'localhost', json = false, ...others } = all
  const { accessKey, ssl, run, pidFile, logFile, logLevel, timeout } = others
  const optional = { accessKey, ssl, run, pidFile, logFile, logLevel, timeout }
  const present = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return { port, host, json, ...present }
}

function toInvocation(
  positionals: readonly string[],
  behind: readonly string[],
  options: Options,
  given: GivenOptions,
): Invocation {
  const [first, second] = options.run === undefined ? positionals : []
  const kind = first === undefined ? null : kindOfFile(first)
  if (first !== undefined && kind !== null) {
    if (second !== undefined) throw tooMany(first, second)
    if (given[kind] !== undefined) throw tooMany(String(given[kind]), first)
    return { kind: 'service', options, given: withArguments({ ...given, [kind]: first }, behind) }
  }
  const startsService = ['workers', 'worker', 'config', 'proxy'].some((name) => given[name] !== undefined)
  if (first === undefined && options.run === undefined && startsService)
    return { kind: 'service', options, given: withArguments(given, behind) }
  const words = toWords([...positionals, ...behind], options.run)
  return words.length === 0 ? { kind: 'nothing', options, given } : { kind: 'command', words, options, given }
}

const workerExtensions = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']

/** What a first word names, when it is no command: a command keeps its meaning, whatever its line ends in. */
function kindOfFile(first: string): 'workers' | 'config' | null {
  if (knownCommands.includes(first.trim().split(/\s/, 1)[0] ?? '')) return null
  const extension = extname(first.trim()).toLowerCase()
  if (extension === '.json') return 'config'
  return workerExtensions.includes(extension) ? 'workers' : null
}

function tooMany(first: string, second: string): CserviceError {
  return new CserviceError('BAD_USAGE', `A service is started with one file: ${first}, and not ${second} as well`, {
    hint: 'Arguments of the workers stand behind --: cservice server.js -- …; several workers, in a configuration: cservice config.json',
  })
}

function withArguments(given: GivenOptions, args: readonly string[]): GivenOptions {
  return args.length === 0 ? given : { ...given, args }
}

/** The legacy form is one text with spaces (`cservice "restart all"`), which is a line, as is `--run`. */
function toWords(words: readonly string[], run: string | undefined): string[] {
  const [first, ...rest] = words
  if (run !== undefined) {
    if (first !== undefined)
      throw new CserviceError('BAD_USAGE', `A command stands in --run or behind the options, not in both: ${first}`)
    return textsOf(run)
  }
  return first === undefined ? [] : [...(/\s/.test(first) ? textsOf(first) : [first]), ...rest]
}

function textsOf(line: string): string[] {
  return parseCommandLine(line).map((word) => word.text)
}

function toUsageError(error: CommanderError, argv: readonly string[], program: Command): CserviceError {
  if (error.code === 'commander.unknownOption') {
    const name = /'([^']*)'/.exec(error.message)?.[1] ?? ''
    return unknownOption(argv.find((word) => word.startsWith(name)) ?? name, program)
  }
  return new CserviceError('BAD_USAGE', error.message.replace(/^error: /, ''), { hint: 'cservice --help' })
}

function unknownOption(word: string, program: Command): CserviceError {
  const typed = word.replace(/=.*/s, '') // never repeat a value: it may be a key
  const names = program.options.filter((option) => !option.hidden).map((option) => toCamel(option.long?.slice(2) ?? ''))
  const meant = nearest(toCamel(typed.replace(/^-+(no-)?(cs\.)?/, '')), names)
  const hint =
    meant === null
      ? 'cservice --help lists the options; those of your own program go behind --: cservice server.js -- --x'
      : `Did you mean --${meant === 'ssl' ? 'ssl.key' : meant}? cservice --help lists the options; those of your own program go behind --.`
  return new CserviceError('UNKNOWN_OPTION', `No such option: ${typed}`, { hint })
}
