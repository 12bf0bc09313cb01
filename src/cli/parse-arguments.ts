import { type Command, CommanderError } from 'commander'
import { CserviceError } from '../common/errors.ts'
import { parseCommandLine } from '../supervisor/control/command-line.ts'
import { nearest } from '../supervisor/control/nearest.ts'
import { declareOptions, type Options } from './options.ts'

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: 'help' | 'version' | 'nothing'; readonly options: Options }
  | { readonly kind: 'command'; readonly words: readonly string[]; readonly options: Options }

/** The environment variable for the access key: arguments can be seen by everybody on the machine (`ps`). */
export const accessKeyVariable = 'CSERVICE_ACCESS_KEY'

/**
 * Understands the arguments of `cservice` and `cserviced`. Options may stand anywhere, in camelCase or kebab-case, also as
 * `--cs.<name>`; what is left over are the words of a command. A single text with spaces is a whole command line.
 * @param argv without the program itself
 * @throws CserviceError UNKNOWN_OPTION, BAD_USAGE
 */
export function parseArguments(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Invocation {
  const program = declareOptions()
  const separator = argv.indexOf('--')
  const own = separator === -1 ? argv : argv.slice(0, separator)
  // `proxy why` takes a request as curl does, with options of its own.
  program.allowUnknownOption(/(^| )proxy why( |$)/.test(own.join(' ')))
  try {
    program.parse([...canonical(own, program), ...argv.slice(own.length)], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) throw toUsageError(error, own, program)
    throw error
  }
  const { help, version, json, ...rest } = program.opts<Options & { help?: boolean; version?: boolean }>()
  const key = rest.accessKey ?? (environment[accessKeyVariable] || undefined)
  const options: Options = { ...rest, json: json ?? false, ...(key === undefined ? {} : { accessKey: key }) }
  if (key === '') throw new CserviceError('BAD_USAGE', 'The access key is empty')
  if (help) return { kind: 'help', options }
  if (version) return { kind: 'version', options }
  const words = toWords(program.args, options.run)
  return words.length === 0 ? { kind: 'nothing', options } : { kind: 'command', words, options }
}

/** Whether the answer must be JSON, also when the rest of the command line is not understood. */
export function wantsJson(argv: readonly string[]): boolean {
  const last = argv.filter((word) => /^--(no-)?(cs\.)?json(=|$)/.test(word)).at(-1)
  return last !== undefined && !last.startsWith('--no-') && !last.endsWith('=false')
}

/** Long options in kebab-case, without `cs.`, and booleans without a value: commander's way of writing. */
function canonical(argv: readonly string[], program: Command): string[] {
  const written: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const match = /^--(no-)?(?:cs\.)?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word)
    const name = match?.[2] === undefined ? '' : `--${toKebab(match[2])}`
    const option = program.options.find((candidate) => candidate.long === name && !candidate.negate)
    if (!match || option === undefined) {
      written.push(word)
    } else if (option.required) {
      if (match[1]) throw unknownOption(word, program)
      const value = match[3] ?? argv[++index]
      if (value === undefined || (match[3] === undefined && value.startsWith('--')))
        throw new CserviceError('BAD_USAGE', `${word} needs a value`)
      written.push(`${name}=${value}`)
    } else {
      const next = argv[index + 1]
      const isApart = match[3] === undefined && !match[1] && (next === 'true' || next === 'false')
      if (isApart) index++
      written.push(toFlag(name, word, isApart ? next : match[3], match[1] !== undefined))
    }
  }
  return written
}

function toFlag(name: string, word: string, value: string | undefined, isNegated: boolean): string {
  if (value !== undefined && value !== 'true' && value !== 'false')
    throw new CserviceError('BAD_USAGE', `${word}: it can only be true or false`)
  return (value !== 'false') !== isNegated ? name : `--no-${name.slice(2)}`
}

function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function toCamel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The legacy form is one text with spaces (`cservice "restart all"`), which is a line, as is `--run`. */
function toWords(positionals: readonly string[], run: string | undefined): string[] {
  if (run !== undefined) {
    if (positionals.length > 0)
      throw new CserviceError(
        'BAD_USAGE',
        `A command stands in --run or behind the options, not in both: ${positionals[0]}`,
      )
    return textsOf(run)
  }
  const [first, ...rest] = positionals
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
      ? 'cservice --help lists the options.'
      : `Did you mean --${meant}? cservice --help lists the options.`
  return new CserviceError('UNKNOWN_OPTION', `No such option: ${typed}`, { hint })
}
