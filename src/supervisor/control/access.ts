import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'
import { CserviceError } from '../../common/errors.ts'
import type { AccessLevel, Caller } from './command.ts'

const ranks = { remote: 10, local: 20, inproc: 30, disabled: 99 } as const satisfies Record<AccessLevel, number>

/** Whether a caller may run a command of this level. Code in the process itself is not checked. */
export function isAllowed(caller: Caller['level'], required: AccessLevel): boolean {
  return caller === 'inproc' || ranks[caller] >= ranks[required]
}

/**
 * A level that a program names.
 * @throws CserviceError BAD_USAGE
 */
export function parseLevel(name: unknown): AccessLevel {
  if (typeof name === 'string' && Object.hasOwn(ranks, name)) return name as AccessLevel
  throw new CserviceError('BAD_USAGE', `${printable(name)} is not a valid control level.`, {
    hint: `The levels are ${Object.keys(ranks).join(', ')}.`,
  })
}

/** What one access key may do. */
export interface KeyRights {
  /** Which of several keys it is, for logs and the journal: `key 2`; null: there is but one. */
  readonly name: string | null
  /** The level that a caller with this key needs for a command whose own level is `level`. */
  levelOf(command: string, level: AccessLevel): AccessLevel
}

interface AccessKey extends KeyRights {
  readonly digest: Buffer
  readonly isDisabled: boolean
}

/**
 * The access keys of a service, as written in `accessKey`: `key1;key2[health,info];key3[restart:remote];key4:disabled`.
 * A list that names a command without a level is a white list: the key can do what it names and nothing else. A command
 * with a level (`remote`, `local`, `inproc`, `disabled`, `false`) has that level for this key. Keeps digests, never keys.
 */
export class AccessKeys {
  readonly #keys: readonly AccessKey[]

  /** @throws CserviceError BAD_USAGE, whose message never repeats a key */
  constructor(text: string) {
    const parts = splitKeys(text)
    this.#keys = parts.map((part, index) => ({
      ...parseKey(part, index + 1),
      name: parts.length === 1 ? null : `key ${index + 1}`,
    }))
    // One of the two would hold, and a reader cannot tell which: a key that was disabled once may be open below.
    const first = (key: AccessKey) => this.#keys.findIndex(({ digest }) => digest.equals(key.digest))
    const again = this.#keys.findIndex((key, index) => first(key) !== index)
    if (again !== -1) throw wrong(again + 1, 'it is there already')
  }

  /** The rights of a key; null for one that is not ours or is disabled. Takes the same time for every key. */
  find(key: string): KeyRights | null {
    const digest = toDigest(key)
    let found: AccessKey | null = null
    for (const candidate of this.#keys) {
      if (timingSafeEqual(candidate.digest, digest)) found = candidate
    }
    return found === null || found.isDisabled ? null : found
  }
}

function splitKeys(text: string): string[] {
  const parts = text.split(/;(?![^[]*\])/).filter((part) => part.length > 0)
  if (parts.length === 0)
    throw new CserviceError('BAD_USAGE', 'The access key is empty', {
      hint: 'Give one, or leave accessKey away: then only the control socket is open.',
    })
  return parts
}

function parseKey(part: string, position: number): Omit<AccessKey, 'name'> {
  const match = /^(?<key>[^[\]]+)(?:\[(?<list>[^[\]]*)\])?(?<suffix>:[a-z]+)?$/.exec(part)
  if (!match?.groups) throw wrong(position, 'its brackets do not match')
  let key = match.groups.key ?? ''
  let suffix = match.groups.suffix
  if (suffix === undefined && match.groups.list === undefined) {
    // Without a list the expression has taken the suffix for a part of the key.
    suffix = /:(remote|local|inproc|disabled|false)$/.exec(key)?.[0]
    if (suffix !== undefined) key = key.slice(0, -suffix.length)
  }
  if (key.length === 0) throw wrong(position, 'it is empty')
  if (suffix !== undefined && toLevel(suffix.slice(1)) !== 'disabled')
    throw wrong(position, `a key as a whole can only be ":disabled", not "${suffix}"`)
  const entries = parseList(match.groups.list, position)
  const isWhiteList = [...entries.values()].includes(null)
  return {
    digest: toDigest(key),
    isDisabled: suffix !== undefined,
    levelOf: (command, level) => {
      const entry = entries.get(command)
      return entry ?? (entry === undefined && isWhiteList ? 'disabled' : level)
    },
  }
}

/** Commands by name, with the level given for them; null: named without one. */
function parseList(list: string | undefined, position: number): Map<string, AccessLevel | null> {
  const entries = new Map<string, AccessLevel | null>()
  for (const item of list?.split(',') ?? []) {
    const [name = '', levelName, ...more] = item.split(':').map((text) => text.trim())
    const level = levelName === undefined ? null : toLevel(levelName)
    if (!/^[\w.-]+$/.test(name) || level === undefined || more.length > 0) {
      throw wrong(position, `"${item}" in its list is neither a command nor command:level`)
    }
    entries.set(name, level)
  }
  return entries
}

function toLevel(text: string): AccessLevel | undefined {
  if (text === 'false') return 'disabled'
  return Object.hasOwn(ranks, text) ? (text as AccessLevel) : undefined
}

/** A symbol or an object without a prototype is no text by itself. */
function printable(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 0 })
}

function wrong(position: number, reason: string): CserviceError {
  return new CserviceError('BAD_USAGE', `Access key ${position} is wrong: ${reason}`, {
    hint: 'accessKey is key1;key2[health,info];key3[restart:remote];key4:disabled',
  })
}

/** Digests have one length, which timingSafeEqual needs, and say nothing about the length of a key. */
function toDigest(key: string): Buffer {
  return createHash('sha256').update(key, 'utf8').digest()
}
