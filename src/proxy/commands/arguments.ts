import { CserviceError } from '../../common/errors.ts'
import type { Subcommand } from './subcommand.ts'

const maxWorkers = 1_000

/** The word at `index`. @throws CserviceError BAD_USAGE when it is missing */
export function requireWord(subcommand: Subcommand, args: readonly string[], index: number, what: string): string {
  const word = args[index]
  if (word === undefined || word === '') throw badUsage(subcommand, `${what} is missing`)
  return word
}

/** A number of workers, or undefined when the word is absent. @throws CserviceError BAD_USAGE when it is not one */
export function workerCount(subcommand: Subcommand, args: readonly string[], index: number): number | undefined {
  const word = args[index]
  if (word === undefined) return undefined
  const count = /^\d{1,4}$/.test(word) ? Number(word) : Number.NaN
  if (!(count <= maxWorkers))
    throw badUsage(subcommand, `${JSON.stringify(word)} is no number of workers (0 to ${maxWorkers})`)
  return count
}

/** The whole number at `index`, or undefined when the word is absent. @throws CserviceError BAD_USAGE when it is not one */
export function wholeNumber(
  subcommand: Subcommand,
  args: readonly string[],
  index: number,
  { minimum, maximum, what }: { minimum: number; maximum: number; what: string },
): number | undefined {
  const word = args[index]
  if (word === undefined) return undefined
  const number = /^\d{1,9}$/.test(word) ? Number(word) : Number.NaN
  if (!(number >= minimum && number <= maximum))
    throw badUsage(subcommand, `${JSON.stringify(word)} is no ${what} (${minimum} to ${maximum})`)
  return number
}

/** @throws CserviceError BAD_USAGE when there are more words than the subcommand takes */
export function refuseMore(subcommand: Subcommand, args: readonly string[], taken: number): void {
  if (args.length > taken) throw badUsage(subcommand, `${JSON.stringify(args[taken])} is one word too many`)
}

/** @param why what is wrong with the words */
export function badUsage(subcommand: Subcommand, why: string): CserviceError {
  return new CserviceError('BAD_USAGE', `${subcommand.usage}: ${why}`, { hint: `cservice help proxy` })
}
