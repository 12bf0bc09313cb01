import { CserviceError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import type { Subcommand } from './subcommand.ts'

/** The words of a subcommand, its options apart. */
export interface TakenFlags {
  readonly words: readonly string[]
  /** By name, without dashes, in camelCase; '' for one without a value. */
  readonly flags: ReadonlyMap<string, string>
}

/**
 * Takes the options out of the words of a subcommand: `--every 5m`, `--every=5m`, `--dry-run`, `--dryRun`.
 * @param known whether each option takes a value
 * @throws CserviceError BAD_USAGE
 */
export function takeFlags(
  { usage }: Subcommand,
  args: readonly string[],
  known: Readonly<Record<string, boolean>>,
): TakenFlags {
  const words: string[] = []
  const flags = new Map<string, string>()
  const refuse = (why: string): CserviceError =>
    new CserviceError('BAD_USAGE', `${usage}: ${why}`, { hint: 'cservice help proxy' })
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    const match = /^--([A-Za-z][A-Za-z-]*)(?:=(.*))?$/s.exec(word)
    if (match === null) {
      words.push(word)
      continue
    }
    const [, typed = '', given] = match
    const name = typed.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const takesValue = known[name]
    if (takesValue === undefined) {
      const meant = nearest(name, Object.keys(known))
      throw refuse(`there is no option --${typed}${meant === null ? '' : `; did you mean --${meant}?`}`)
    }
    if (flags.has(name)) throw refuse(`--${typed} stands twice`)
    if (!takesValue && given !== undefined) throw refuse(`--${typed} takes no value`)
    const value = takesValue ? (given ?? args[++index]) : ''
    if (value === undefined || (takesValue && value === '')) throw refuse(`the value of --${typed} is missing`)
    flags.set(name, value)
  }
  return { words, flags }
}
