import { applyEdits, createScanner, type Edit, getNodeValue, type Node, parseTree } from 'jsonc-parser'

/**
 * Sets the value of one key at the top of a JSON text with comments, and changes nothing else. A key that is not there
 * becomes one new line below the opening brace, indented as its neighbours are. Where an object takes the place of another
 * one, its members are set one by one, and those that it does not have stay. Pure.
 * @param text valid JSON with comments and trailing commas, whose root is an object; no byte-order mark
 * @param value JSON-safe
 */
export function setValue(text: string, key: string, value: unknown): string {
  const root = rootOf(text)
  const property = propertyOf(root, key)
  if (property === undefined) return applyEdits(text, [insertion(text, root, asProperty(key, value))])
  const former = property.children?.[1]
  if (former === undefined) return text
  if (former.type === 'object' && isObject(value)) return applyEdits(text, memberEdits(text, former, value))
  return applyEdits(text, [replacement(former, value)])
}

/** Takes out a key at the top, its comma and, if nothing else is on it, its line. Pure; without the key: the same text. */
export function removeValue(text: string, key: string): string {
  const root = rootOf(text)
  const property = propertyOf(root, key)
  if (property === undefined) return text
  const siblings = root.children ?? []
  const index = siblings.indexOf(property)
  const end = property.offset + property.length
  const next = siblings[index + 1]
  const previous = siblings[index - 1]
  const commaAfter = tokenOffset(text, end, next?.offset ?? root.offset + root.length, ',')
  const edits: Edit[] = []
  if (commaAfter === undefined && previous !== undefined) {
    const commaBefore = tokenOffset(text, previous.offset + previous.length, property.offset, ',')
    if (commaBefore !== undefined) edits.push({ offset: commaBefore, length: 1, content: '' })
  }
  if (commaAfter === end) edits.push(removal(text, property.offset, end + 1))
  else {
    edits.push(removal(text, property.offset, end))
    if (commaAfter !== undefined) edits.push({ offset: commaAfter, length: 1, content: '' })
  }
  return applyEdits(text, edits)
}

/** The value of a top-level key; undefined: no such key. Pure. */
export function getValue(text: string, key: string): unknown {
  const value = propertyOf(rootOf(text), key)?.children?.[1]
  return value === undefined ? undefined : getNodeValue(value)
}

/** jsonc-parser declares them as a const enum, which cannot be imported; a line comment is the first trivia, blanks the last. */
const tokenKind = { lineComment: 12, lineBreak: 14, blanks: 15 } as const

function rootOf(text: string): Node {
  const root = parseTree(text, [], { allowTrailingComma: true })
  if (root?.type !== 'object') throw new TypeError('not a JSON object')
  return root
}

function propertyOf(root: Node, key: string): Node | undefined {
  return root.children?.find((property) => property.children?.[0]?.value === key)
}

function memberEdits(text: string, object: Node, value: Readonly<Record<string, unknown>>): Edit[] {
  const edits: Edit[] = []
  const added: string[] = []
  for (const [name, member] of Object.entries(value)) {
    const former = propertyOf(object, name)?.children?.[1]
    if (former === undefined) added.push(asProperty(name, member))
    else if (JSON.stringify(getNodeValue(former)) !== JSON.stringify(member)) edits.push(replacement(former, member))
  }
  if (added.length === 0) return edits
  const last = object.children?.at(-1)
  if (last === undefined) return [{ offset: object.offset, length: object.length, content: `{ ${added.join(', ')} }` }]
  // Below each other, or one behind the other, as those before.
  const indentation = blanksBefore(text, last.offset)
  const separator = indentation === undefined ? ', ' : `,${text.includes('\r\n') ? '\r\n' : '\n'}${indentation}`
  const offset = last.offset + last.length
  return [...edits, { offset, length: 0, content: added.map((property) => `${separator}${property}`).join('') }]
}

function replacement({ offset, length }: Node, value: unknown): Edit {
  return { offset, length, content: asText(value) }
}

function asProperty(name: string, value: unknown): string {
  return `${JSON.stringify(name)}: ${asText(value)}`
}

/** On one line, with the blanks that a person would put. */
function asText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asText).join(', ')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => asProperty(name, member))
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function insertion(text: string, root: Node, property: string): Edit {
  const first = root.children?.[0]
  const afterBrace = root.offset + 1
  const comma = first === undefined ? '' : ','
  const nextLine = startOfNextLine(text, afterBrace)
  if (nextLine === undefined) {
    // All on one line: `{"a":1}`, `{ "a": 1 }`.
    const blank = /^[ \t]/.test(text.slice(afterBrace)) ? ' ' : ''
    const gap = first === undefined || blank !== '' ? '' : ' '
    return { offset: afterBrace, length: 0, content: `${blank}${property}${comma}${gap}` }
  }
  const indentation = first === undefined ? '  ' : indentationAt(text, first.offset)
  const lineBreak = text.slice(0, nextLine).endsWith('\r\n') ? '\r\n' : text[nextLine - 1] === '\r' ? '\r' : '\n'
  return { offset: nextLine, length: 0, content: `${indentation}${property}${comma}${lineBreak}` }
}

/** Where the line after the brace begins, if only blanks and comments stand between. */
function startOfNextLine(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, false)
  scanner.setPosition(offset)
  for (;;) {
    const kind = scanner.scan()
    if (kind === tokenKind.lineBreak) return scanner.getTokenOffset() + scanner.getTokenLength()
    if (kind < tokenKind.lineComment || kind > tokenKind.blanks) return undefined
  }
}

function indentationAt(text: string, offset: number): string {
  return /(?:^|[\r\n])([ \t]*)[^\r\n]*$/.exec(text.slice(0, offset))?.[1] ?? ''
}

/** The blanks between the start of the line and an offset; undefined: something else stands there. */
function blanksBefore(text: string, offset: number): string | undefined {
  return /(?:^|[\r\n])([ \t]*)$/.exec(text.slice(0, offset))?.[1]
}

/** Where the token stands, if it is the next one; comments are skipped. */
function tokenOffset(text: string, from: number, to: number, token: string): number | undefined {
  const scanner = createScanner(text, true)
  scanner.setPosition(from)
  scanner.scan()
  const offset = scanner.getTokenOffset()
  return offset < to && text.startsWith(token, offset) ? offset : undefined
}

/** From one offset to another; with the line they are on when nothing else is on it. */
function removal(text: string, from: number, to: number): Edit {
  const before = blanksBefore(text, from)
  const after = /^[ \t]*(\r\n|\r|\n)/.exec(text.slice(to))?.[0]
  if (before === undefined || after === undefined) {
    const blanks = /^[ \t]*/.exec(text.slice(to))?.[0].length ?? 0
    return { offset: from, length: to - from + blanks, content: '' }
  }
  return { offset: from - before.length, length: to - from + before.length + after.length, content: '' }
}
