const secretName =
  /pass(word|phrase|wd)?$|secret|token|credential|authori[sz]ation|cookie|private|(access|api|private|secret|encryption)[-_]?key$|^pfx$/i
const secretArgument = /^--(?:cs\.)?(?:access-?key|\w*pass(?:word|phrase)|\w*secret|\w*token)(?:=|$)/i
const privatePem = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
const mask = '***'
const depthLimit = 8
/** Values in one description, so that an object with a world behind it does not fill our memory. */
const valueLimit = 20_000

/**
 * Whatever a program holds, as JSON that can be shown: secrets masked, cycles cut, functions, buffers, big integers and
 * dates named, getters that throw said to. A secret is known by the name of its key, by what it holds (a private key), or,
 * among the arguments of a command, by the option before it.
 */
export function describeSafely(value: unknown): unknown {
  return new Description().describe(value, '')
}

class Description {
  readonly #above = new Set<object>()
  #count = 0

  describe(value: unknown, name: string): unknown {
    if (value === null || value === undefined) return null
    if (secretName.test(name) && typeof value !== 'function' && value !== '') return mask
    if (typeof value === 'string') return privatePem.test(value) ? mask : value
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value
    if (typeof value === 'function') return `[function ${shortName(value)}]`
    if (typeof value !== 'object') return String(value)
    return this.#describeObject(value)
  }

  #describeObject(value: object): unknown {
    if (this.#above.has(value)) return '[circular]'
    if (this.#above.size >= depthLimit || ++this.#count > valueLimit) return '[…]'
    this.#above.add(value)
    try {
      return this.#describeContents(value)
    } catch (error) {
      return `[cannot be read: ${shortMessage(error)}]`
    } finally {
      this.#above.delete(value)
    }
  }

  #describeContents(value: object): unknown {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (value instanceof Error) return { name: value.name, message: value.message }
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
    if (Array.isArray(value))
      return value.slice(0, valueLimit).map((item, index) => this.#describeItem(value, item, index))
    if (value instanceof Set) return [...value].map((item) => this.describe(item, ''))
    if (value instanceof Map) {
      return toObject([...value].map(([key, item]) => [String(key), this.describe(item, String(key))]))
    }
    return toObject(Object.keys(value).map((key) => [key, this.#describeProperty(value, key)]))
  }

  #describeItem(list: readonly unknown[], item: unknown, index: number): unknown {
    const before = list[index - 1]
    if (
      typeof item === 'string' &&
      typeof before === 'string' &&
      secretArgument.test(before) &&
      !before.includes('=')
    ) {
      return mask
    }
    if (typeof item === 'string' && secretArgument.test(item) && item.includes('=')) {
      return `${item.slice(0, item.indexOf('=') + 1)}${mask}`
    }
    return this.describe(item, '')
  }

  #describeProperty(owner: object, key: string): unknown {
    try {
      return this.describe((owner as Record<string, unknown>)[key], key)
    } catch (error) {
      return `[cannot be read: ${shortMessage(error)}]`
    }
  }
}

/** Also with a key called `__proto__`. */
function toObject(entries: ReadonlyArray<readonly [string, unknown]>): unknown {
  return Object.fromEntries(entries)
}

function shortName(value: { readonly name?: unknown }): string {
  return typeof value.name === 'string' && value.name !== '' ? value.name : 'without a name'
}

function shortMessage(error: unknown): string {
  return error instanceof Error ? String(error.message) : 'unknown'
}
