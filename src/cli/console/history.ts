import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { sync as writeFileAtomicSync } from 'write-file-atomic'

export const historySize = 1_000
/** Longer lines are not kept in the file. */
const keptLength = 2_000
const writeDelayMs = 500

/** Where this user's history is: `$XDG_STATE_HOME/cservice/history`; null for a user who has no home. */
export function historyPath(environment: NodeJS.ProcessEnv = process.env): string | null {
  const state = environment.XDG_STATE_HOME
  if (state && isAbsolute(state)) return join(state, 'cservice', 'history')
  const home = findHome()
  return home === null ? null : join(home, '.local', 'state', 'cservice', 'history')
}

/** A user without an entry in passwd, as in a container, has none where HOME does not say so. */
function findHome(): string | null {
  try {
    const home = homedir()
    return isAbsolute(home) ? home : null
  } catch {
    return null
  }
}

/**
 * The lines that were typed, over sessions. Only the user can read the file. A file that cannot be read or written is no
 * reason to say anything: the history is then that of the session.
 */
export class History {
  readonly #path: string | null
  #added: string[] = []
  #timer: NodeJS.Timeout | null = null

  /** @param path null keeps nothing */
  constructor(path: string | null) {
    this.#path = path
  }

  /** Newest first, as readline wants it. */
  load(): string[] {
    return this.#read().reverse()
  }

  add(line: string): void {
    if (!isKept(line)) return
    this.#added.push(line)
    this.#timer ??= setTimeout(() => this.#write(), writeDelayMs)
  }

  close(): void {
    this.#write()
  }

  /** Other consoles may have written in the meantime: what is there is read again. */
  #write(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const added = this.#added
    this.#added = []
    if (this.#path === null || added.length === 0) return
    try {
      const folder = dirname(this.#path)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      // `sudo` with the home of another user must not leave a file there that its owner cannot read.
      if (statSync(folder).uid !== process.geteuid?.() || !isFileOrNothing(this.#path)) return
      const lines = withoutRepeats([...this.#read(), ...added]).slice(-historySize)
      writeFileAtomicSync(this.#path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600, fsync: false })
    } catch {
      // nothing depends on it
    }
  }

  #read(): string[] {
    if (this.#path === null) return []
    try {
      if (!isFileOrNothing(this.#path)) return []
      const lines = readFileSync(this.#path, 'utf8').split('\n').filter(isKept)
      return withoutRepeats(lines).slice(-historySize)
    } catch {
      return []
    }
  }
}

/** Whether a line is one for the history: one that begins with a space is not, as in a shell. */
export function isKept(line: string): boolean {
  return line.trim() !== '' && !line.startsWith(' ') && line.length <= keptLength
}

/**
 * Whoever wants no history links it to /dev/null: to write it anew in one step would put a file in the place of the device.
 * A pipe would keep us waiting for its other end.
 */
function isFileOrNothing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
}

function withoutRepeats(lines: readonly string[]): string[] {
  return lines.filter((line, index) => line !== lines[index - 1])
}
