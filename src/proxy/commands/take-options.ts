import { CserviceError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import type { Subcommand } from './subcommand.ts'

/** The options that a subcommand has, in kebab-case: one that is there or not, or one with a value. */
export type OptionKinds = Readonly<Record<string, 'flag' | 'value'>>

export interface TakenOptions<Kinds extends OptionKinds> {
  /** What is left over, in order. */
  readonly words: readonly string[]
  readonly options: { readonly [Name in keyof Kinds]?: Kinds[Name] extends 'flag' ? true : string }
}

/**
 * Takes the options of a subcommand out of its words: `--dry-run`, `--version v3`, `--version=v3`, in camelCase as well.
 * @throws CserviceError BAD_USAGE: an option that it does not have, or that has no value, or one too many
 */
export function takeOptions<const Kinds extends OptionKinds>(
  subcommand: Subcommand,
  args: readonly string[],
  kinds: Kinds,
): TakenOptions<Kinds> {
  const words: string[] = []
  const options: Record<string, string | true> = {}
  const wrong = (why: string) =>
    new CserviceError('BAD_USAGE', `${subcommand.usage}: ${why}`, { hint: 'cservice help proxy' })
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    const [, typed, given] = /^--([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? []
    if (typed === undefined) {
      words.push(word)
      continue
    }
    const name = typed.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) {
      const meant = nearest(name, Object.keys(kinds))
      throw wrong(`it has no option --${typed}${meant === null ? '' : `; did you mean --${meant}?`}`)
    }
    if (Object.hasOwn(options, name)) throw wrong(`--${name} is there twice`)
    if (kind === 'flag' && given !== undefined) throw wrong(`--${name} has no value`)
    const value = kind === 'flag' ? true : (given ?? args[++index])
    if (value === undefined || value === '') throw wrong(`--${name} needs a value`)
    options[name] = value
  }
  return { words, options: options as TakenOptions<Kinds>['options'] }
}
