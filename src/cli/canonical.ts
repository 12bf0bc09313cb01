import type { Command, Option } from 'commander'
import { CserviceError } from '../common/errors.ts'

/** TLS options that are true without a value; all others need one. */
const flagsOfSsl = ['requestCert', 'rejectUnauthorized', 'honorCipherOrder', 'enableTrace', 'allowHalfOpen']

/**
 * The arguments in commander's way of writing: long options in kebab-case and without `cs.`, values behind `=`, booleans
 * without a value, `--ssl.key file` as `--ssl=key=file`. What is no option that is known stays as it is.
 * @throws CserviceError BAD_USAGE: a value is missing, or there is one that cannot be
 */
export function canonical(argv: readonly string[], program: Command): string[] {
  const written: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const parsed = parseOption(word, program)
    if (parsed === null) {
      written.push(word)
      continue
    }
    const next = argv[index + 1]
    const takesNext = parsed.value === undefined && !parsed.isNegated && takes(parsed, next)
    if (takesNext) index++
    written.push(write({ ...parsed, value: takesNext ? next : parsed.value }))
  }
  return written
}

interface ParsedOption {
  /** As it was typed, without a value. */
  readonly word: string
  readonly option: Option
  /** What stands after a dot: `key` of `--ssl.key`. */
  readonly part: string | undefined
  readonly value: string | undefined
  readonly isNegated: boolean
}

function parseOption(word: string, program: Command): ParsedOption | null {
  const match = /^(--(no-)?(?:cs\.)?([A-Za-z][\w-]*)(?:\.([A-Za-z][\w-]*))?)(?:=(.*))?$/s.exec(word)
  if (match?.[3] === undefined) return null
  const name = `--${toKebab(match[3])}`
  const option = program.options.find((candidate) => candidate.long === name && !candidate.negate)
  if (option === undefined || (match[4] !== undefined) !== (name === '--ssl')) return null
  const part = match[4] === undefined ? undefined : toCamel(match[4])
  const isNegated = match[2] !== undefined
  if (isNegated && option.required && !(part !== undefined && flagsOfSsl.includes(part))) return null
  return { word: match[1] ?? word, option, part, value: match[5], isNegated }
}

/** Whether the word that follows is the value. */
function takes({ option, part }: ParsedOption, next: string | undefined): boolean {
  if (next === undefined) return false
  if (next === 'true' || next === 'false') return true
  if (part !== undefined) return !flagsOfSsl.includes(part) && !next.startsWith('--')
  return option.required ? !next.startsWith('--') : option.optional && /^\d+(\.\d+)?$/.test(next)
}

function write({ word, option, part, value, isNegated }: ParsedOption): string {
  if (part !== undefined) {
    const isFlag = flagsOfSsl.includes(part)
    return `${option.long}=${part}=${isFlag ? String(isTrue(word, value) !== isNegated) : required(word, value)}`
  }
  if (option.required) return `${option.long}=${required(word, value)}`
  if (option.optional && !isNegated) return `${option.long}=${value ?? 'true'}`
  if (option.optional) return `${option.long}=${!isTrue(word, value)}`
  return isTrue(word, value) !== isNegated ? `${option.long}` : `--no-${option.long?.slice(2)}`
}

function required(word: string, value: string | undefined): string {
  if (value === undefined) throw new CserviceError('BAD_USAGE', `${word} needs a value`)
  return value
}

function isTrue(word: string, value: string | undefined): boolean {
  if (value !== undefined && value !== 'true' && value !== 'false')
    throw new CserviceError('BAD_USAGE', `${word}: it can only be true or false`)
  return value !== 'false'
}

export function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

export function toCamel(name: string): string {
  return name.replace(/(?<=[a-z])-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
