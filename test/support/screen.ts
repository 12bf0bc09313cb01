/**
 * What a person sees on a terminal of a given size: enough of a VT100 for a line editor. Every character is one column
 * wide, and nothing is wrapped anew when the size changes, as in xterm.
 */
export class Screen {
  #columns: number
  #rows: number
  /** All lines that there have ever been; the last `rows` of them are visible. */
  #lines: string[][] = [[]]
  #row = 0
  #column = 0
  /** The beginning of an escape sequence. */
  #open = ''

  constructor(columns: number, rows: number) {
    this.#columns = columns
    this.#rows = rows
  }

  /** The lines that are seen, and those that have been scrolled away, without spaces at their ends. */
  get lines(): string[] {
    return this.#lines.map((line) =>
      Array.from(line, (character) => character ?? ' ')
        .join('')
        .trimEnd(),
    )
  }

  get text(): string {
    return this.lines.join('\n')
  }

  /** The line on which the cursor stands, up to it. */
  get beforeCursor(): string {
    const line = this.#lines[this.#row] ?? []
    return Array.from({ length: this.#column }, (_, column) => line[column] ?? ' ').join('')
  }

  /** The line on which the cursor stands. */
  get cursorLine(): string {
    return this.lines[this.#row] ?? ''
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns
    this.#rows = rows
  }

  write(text: string): void {
    const all = this.#open + text
    this.#open = openSequence.exec(all)?.[0] ?? ''
    for (const token of all.slice(0, all.length - this.#open.length).match(tokens) ?? []) {
      if (token.startsWith('\x1b[')) this.#control(token)
      else if (token.startsWith('\x1b')) continue
      else this.#put(token)
    }
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0
    else if (character === '\n') this.#down()
    else if (character === '\b') this.#column = Math.max(0, this.#column - 1)
    else if (character === '\t') this.#column = Math.min(this.#columns - 1, (Math.floor(this.#column / 8) + 1) * 8)
    else if (character >= ' ') {
      if (this.#column >= this.#columns) {
        this.#column = 0
        this.#down()
      }
      this.#line()[this.#column++] = character
    }
  }

  #control(sequence: string): void {
    const numbers = sequence.slice(2, -1).split(';').map(Number)
    const count = Math.max(1, numbers[0] || 1)
    const top = Math.max(0, this.#lines.length - this.#rows)
    switch (sequence.at(-1)) {
      case 'A':
        this.#row = Math.max(top, this.#row - count)
        break
      case 'B':
        this.#row = Math.min(top + this.#rows - 1, this.#row + count)
        break
      case 'C':
        this.#column = Math.min(this.#columns - 1, this.#column + count)
        break
      case 'D':
        this.#column = Math.max(0, Math.min(this.#column, this.#columns - 1) - count)
        break
      case 'G':
        this.#column = count - 1
        break
      case 'H':
        this.#row = top + count - 1
        this.#column = Math.max(1, numbers[1] || 1) - 1
        break
      case 'J':
        if (numbers[0] === 2) for (let row = top; row < this.#lines.length; row++) this.#lines[row] = []
        else {
          this.#line().length = Math.min(this.#column, this.#line().length)
          for (let row = this.#row + 1; row < this.#lines.length; row++) this.#lines[row] = []
        }
        break
      case 'K':
        this.#line().length = Math.min(this.#column, this.#line().length)
        break
    }
    this.#line()
  }

  #down(): void {
    this.#row++
    this.#line()
  }

  #line(): string[] {
    while (this.#lines.length <= this.#row) this.#lines.push([])
    return this.#lines[this.#row] as string[]
  }
}

const escapeCode = '\\u001b'
const tokens = new RegExp(`${escapeCode}\\[[0-?]*[ -/]*[@-~]|${escapeCode}[^\\[]|[^${escapeCode}]`, 'gu')
const openSequence = new RegExp(`${escapeCode}(?:\\[[0-?]*[ -/]*)?$`)
