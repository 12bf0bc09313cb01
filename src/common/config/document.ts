import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { type ConfigPath, type ConfigProblem, describeProblem, formatPath } from './config-problem.ts'

/** The text of a JSON file with comments and trailing commas, and where in it each value stands. */
export interface ConfigDocument {
  /** Absent when the file has nothing in it that could be read. */
  readonly root: Node | undefined
  /** Faults of the syntax, keys that stand twice among them. */
  readonly problems: readonly ConfigProblem[]
  /** Line and column, from 1, of what stands at the path, or of the nearest thing around it. */
  locate(path: ConfigPath, part?: 'key' | 'value'): { line: number; column: number }
}

const byteOrderMark = '\uFEFF'

/** Reads the text of a file; a byte-order mark at its start is skipped. Pure. */
export function readDocument(text: string, file: string): ConfigDocument {
  // A blank of the same length keeps every offset right.
  const content = text.startsWith(byteOrderMark) ? ` ${text.slice(1)}` : text
  const errors: ParseError[] = []
  const root = parseTree(content, errors, { allowTrailingComma: true, allowEmptyContent: true })
  const positions = lineStarts(text)
  const problems = errors.map((error) => syntaxProblem(file, error, place(positions, error.offset)))
  if (root !== undefined) problems.push(...repeatedKeys(root, [], file, positions))
  return { root, problems, locate: (path, part) => place(positions, offsetOf(root, path, part)) }
}

function syntaxProblem(file: string, error: ParseError, where: { line: number; column: number }): ConfigProblem {
  const [found, allowed] = syntaxFaults[printParseErrorCode(error.error)] ?? ['something that is not JSON', 'JSON']
  return describeProblem(file, { path: '', ...where, found, allowed })
}

/** By the name of jsonc-parser's error. The text itself is not shown: a passphrase may stand there. */
const syntaxFaults: Readonly<Record<string, readonly [found: string, allowed: string]>> = {
  InvalidSymbol: ['a bare word', 'true, false, null, a number, or a string in double quotes'],
  InvalidNumberFormat: ['a malformed number', 'a number such as 80 or 0.5'],
  PropertyNameExpected: ['no key', 'a key in double quotes'],
  ValueExpected: ['no value', 'a value'],
  ColonExpected: ['no colon', 'a colon between a key and its value'],
  CommaExpected: ['no comma', 'a comma after the value before it'],
  CloseBraceExpected: ['the end of the file', 'a closing } before it'],
  CloseBracketExpected: ['no closing bracket', 'a closing ] at the end of the list'],
  EndOfFileExpected: ['more text', 'nothing but comments after the closing }'],
  InvalidCommentToken: ['a malformed comment', '// … or /* … */'],
  UnexpectedEndOfComment: ['a comment without an end', '*/ at its end'],
  UnexpectedEndOfString: ['a string without an end', 'a double quote at its end, on the same line'],
  UnexpectedEndOfNumber: ['half a number', 'a number such as 80 or 0.5'],
  InvalidUnicode: ['a malformed \\u', '\\u and four hexadecimal digits'],
  InvalidEscapeCharacter: ['an unknown escape', '\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000'],
  InvalidCharacter: ['a control character in a string', 'its escape, such as \\n or \\t'],
}

function* repeatedKeys(
  node: Node,
  path: ConfigPath,
  file: string,
  positions: readonly number[],
): Generator<ConfigProblem> {
  const first = new Map<string, number>()
  for (const [index, child] of (node.children ?? []).entries()) {
    if (node.type === 'array') {
      yield* repeatedKeys(child, [...path, index], file, positions)
      continue
    }
    const [key, value] = child.children ?? []
    if (key === undefined) continue
    const name = String(key.value)
    const line = first.get(name)
    if (line === undefined) first.set(name, place(positions, key.offset).line)
    else {
      const where = place(positions, key.offset)
      const found = 'the key a second time'
      yield describeProblem(file, {
        path: formatPath([...path, name]),
        ...where,
        found,
        allowed: `once (it is in line ${line})`,
      })
    }
    if (value !== undefined) yield* repeatedKeys(value, [...path, name], file, positions)
  }
}

function offsetOf(root: Node | undefined, path: ConfigPath, part: 'key' | 'value' = 'value'): number {
  if (root === undefined) return 0
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length))
    if (node === undefined) continue
    const key = node.parent?.type === 'property' ? node.parent.children?.[0] : undefined
    return part === 'key' && key !== undefined ? key.offset : node.offset
  }
  return root.offset
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length)
  return starts
}

function place(starts: readonly number[], offset: number): { line: number; column: number } {
  let line = 0
  while (line + 1 < starts.length && (starts[line + 1] ?? 0) <= offset) line++
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 }
}
