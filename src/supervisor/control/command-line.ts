import { CserviceError } from '../../common/errors.ts'

/** One word of a command line: its text, and what it is as JSON (its text again where it is no JSON). */
export interface Word {
  readonly text: string
  readonly value: unknown
}

/**
 * Takes a command line apart. Words are separated by white space; one that starts with `"` runs to the next `"` that no
 * backslash precedes; one that starts with `{` or `[` runs to its closer, strings inside respected. Each word is then tried
 * as JSON, quoted ones too, so that `start w.js "{\"count\":2}"` passes an object.
 * @throws CserviceError BAD_USAGE for a quote or bracket that is not closed
 */
export function parseCommandLine(line: string): Word[] {
  const words: Word[] = []
  let start = skipSpace(line, 0)
  while (start < line.length) {
    const { word, end } = readWord(line, start)
    words.push(word)
    start = skipSpace(line, end)
  }
  return words
}

/** A word that was already taken apart, by a shell for instance. */
export function toWord(text: string): Word {
  return { text, value: parseValue(text) }
}

/** The line that `parseCommandLine` takes apart into exactly these words. */
export function toCommandLine(words: readonly string[]): string {
  return words.map((word) => (/^[^\s"\\{[]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`)).join(' ')
}

interface ReadWord {
  readonly word: Word
  /** Index of the first character after it. */
  readonly end: number
}

function readWord(line: string, start: number): ReadWord {
  const first = line[start]
  if (first === '"') return readQuoted(line, start)
  if (first === '{' || first === '[') return readBalanced(line, start)
  return readBare(line, start)
}

function readQuoted(line: string, start: number): ReadWord {
  let text = ''
  for (let index = start + 1; index < line.length; index++) {
    const character = line.charAt(index)
    const next = line[index + 1]
    if (character === '"') return { word: toWord(text), end: index + 1 }
    if (character === '\\' && (next === '"' || next === '\\')) {
      text += next
      index++
    } else {
      text += character
    }
  }
  throw new CserviceError('BAD_USAGE', 'A quotation mark (") is not closed')
}

function readBalanced(line: string, start: number): ReadWord {
  const closers: string[] = []
  let isString = false
  for (let index = start; index < line.length; index++) {
    const character = line[index]
    if (character === '\\') index++
    else if (character === '"') isString = !isString
    else if (isString) continue
    else if (character === '{') closers.push('}')
    else if (character === '[') closers.push(']')
    else if (character === closers.at(-1)) closers.pop()
    if (closers.length > 0) continue
    return { word: toObjectWord(line.slice(start, index + 1)), end: index + 1 }
  }
  throw new CserviceError('BAD_USAGE', `A bracket (${line[start]}) is not closed`)
}

function readBare(line: string, start: number): ReadWord {
  let end = start
  while (end < line.length && !isSpace(line.charAt(end))) end++
  return { word: toWord(line.slice(start, end).replaceAll('\\"', '"')), end }
}

/** An object may come with its quotation marks escaped, out of a script that quoted the whole line. */
function toObjectWord(text: string): Word {
  const word = toWord(text)
  if (word.value !== text) return word
  const unescaped = toWord(text.replaceAll('\\"', '"'))
  return unescaped.value === unescaped.text ? word : unescaped
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function skipSpace(line: string, start: number): number {
  let index = start
  while (index < line.length && isSpace(line.charAt(index))) index++
  return index
}

function isSpace(character: string): boolean {
  return /\s/.test(character)
}
