/** A piece of what a keyboard sends: text to insert, the end of a line, or a key for the line editor. */
export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'enter' }
  | { readonly kind: 'key'; readonly sequence: string }

/** A terminal hands over a paste of any length in chunks of at least this size; nobody types one. */
const pasteChunk = 1_024

const pasteStart = '\x1b[200~'
const pasteEnd = '\x1b[201~'
const escapeCode = '\\u001b'
const control = '\\u0000-\\u001f\\u007f'
/** An escape sequence as keys send it, the end of a line, a run of text, or a control character. */
const token = new RegExp(
  `${escapeCode}+(?:\\[\\[[A-E]|\\[[0-?]*[ -/]*[@-Z\\\\-~]|O[ -~]|[^[O${escapeCode}])|\\r\\n|[\\r\\n]|[^${control}]+|[${control}]`,
  'gu',
)
const openSequence = new RegExp(`${escapeCode}+(?:\\[\\[?[0-?]*[ -/]*|O)?$`)

/**
 * Takes chunks from a terminal apart. Text comes in runs, however long, so that a paste costs no step a character; what is
 * pasted is text only: a tab is a space there, and nothing of it is a key. Knows which lines came together.
 */
export class KeyReader {
  #isPaste = false
  /** The beginning of an escape sequence whose rest is still to come; the editor has had it already. */
  #open = ''
  #endedWithReturn = false
  /** Whether the next chunk goes on with the lines of the last. */
  #goesOn = false
  #linesOfBurst = 0
  #isMidLine = false

  /**
   * @param chunk decoded
   * @returns the keys; `enter` with what is needed to know whether the line came together with the one before
   */
  read(chunk: string): Array<Key & { readonly isTogether: boolean }> {
    if (!this.#goesOn) this.#linesOfBurst = 0
    const keys: Array<Key & { isTogether: boolean }> = []
    const begun = this.#open
    const pieces = this.#split(begun + chunk)
    for (const [index, piece] of pieces.entries()) {
      const key =
        index === 0 && begun !== '' ? this.#toRest(piece, begun) : this.#toKey(piece, index === pieces.length - 1)
      if (key === null) continue
      keys.push({ ...key, isTogether: this.#linesOfBurst > 0 })
      this.#isMidLine = key.kind !== 'enter'
      if (key.kind === 'enter') this.#linesOfBurst++
    }
    this.#goesOn = this.#isPaste || chunk.length >= pasteChunk || (this.#isMidLine && this.#linesOfBurst > 0)
    return keys
  }

  #split(text: string): string[] {
    this.#open = openSequence.exec(text)?.[0] ?? ''
    const pieces = text.slice(0, text.length - this.#open.length).match(token) ?? []
    return this.#open === '' ? pieces : [...pieces, this.#open]
  }

  /** The rest of a sequence that came in pieces: the editor, which has the beginning, must get it whatever it is. */
  #toRest(piece: string, begun: string): Key | null {
    const hasHadIt = !this.#isPaste
    this.#endedWithReturn = false
    if (isPasteMark(piece)) this.#isPaste = piece.endsWith(pasteStart)
    return piece === begun || !hasHadIt ? null : { kind: 'key', sequence: piece.slice(begun.length) }
  }

  #toKey(piece: string, isLast: boolean): Key | null {
    const followsReturn = this.#endedWithReturn
    this.#endedWithReturn = piece === '\r'
    if (isPasteMark(piece)) {
      this.#isPaste = piece.endsWith(pasteStart)
      return null
    }
    if (piece === '\n' && followsReturn) return null // one line end, cut in two
    if (piece === '\r' || piece === '\n' || piece === '\r\n') return { kind: 'enter' }
    if (piece === '\t' && (this.#isPaste || !isLast)) return { kind: 'text', text: ' ' }
    if (piece >= ' ' && piece[0] !== '\x7f') return { kind: 'text', text: piece }
    return this.#isPaste ? null : { kind: 'key', sequence: piece }
  }
}

function isPasteMark(piece: string): boolean {
  return piece.endsWith(pasteStart) || piece.endsWith(pasteEnd)
}
