import { open, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import writeFileAtomic from 'write-file-atomic'
import { readDocument } from '../../common/config/document.ts'
import { CserviceError } from '../../common/errors.ts'
import { getValue, removeValue, setValue } from './edit-value.ts'
import { readProxyConfig } from './load-config.ts'

/** A rewritten proxy.json. */
export interface Rewrite {
  /**
   * Puts the former values back, and takes the keys out again that were not there. What the user has changed meanwhile
   * stays, a new value of one of the keys among it.
   * @throws CserviceError CONFIG_WRITE_FAILED
   */
  undo(): Promise<void>
}

/** Keys at the top of proxy.json and what they are to be, JSON-safe; undefined: the key is taken out. */
export type ConfigChanges = Readonly<Record<string, unknown>>

/** Makes `version` the `defaultVersion` of proxy.json; as `rewriteConfig`. */
export function rewriteDefaultVersion(file: string, version: string): Promise<Rewrite> {
  return rewriteConfig(file, { defaultVersion: version })
}

/**
 * Changes values of proxy.json, and nothing else: on disk all at once (temporary file, fsync, rename), so that there is never
 * one without the others. Comments, order, indentation, line ends, unknown keys, mode and owner stay; a link stays a link.
 * @throws CserviceError CONFIG_WRITE_FAILED: nothing was changed; `cause` says why
 */
export async function rewriteConfig(file: string, changes: ConfigChanges): Promise<Rewrite> {
  const path = resolve(file)
  const before = await readParts(path)
  const written = Object.entries(changes)
  const after = written.reduce((json, [key, value]) => put(json, key, value), before.json)
  if (after !== before.json) await write(path, before.mark + after)
  return {
    async undo() {
      const current = await readParts(path)
      const ours = written.filter(([key]) => isDeepStrictEqual(getValue(current.json, key), getValue(after, key)))
      const restored = ours.reduce((json, [key]) => put(json, key, getValue(before.json, key)), current.json)
      const json = current.json === after ? before.json : restored
      if (json !== current.json) await write(path, current.mark + json)
    },
  }
}

function put(json: string, key: string, value: unknown): string {
  return value === undefined ? removeValue(json, key) : setValue(json, key, value)
}

/** The byte-order mark, which jsonc-parser does not know, apart from the JSON. */
async function readParts(path: string): Promise<{ mark: string; json: string }> {
  try {
    const text = await readProxyConfig(path)
    const { root, problems } = readDocument(text, path)
    const problem = problems[0]?.message ?? (root?.type === 'object' ? undefined : `${path} holds no object`)
    if (problem !== undefined) throw new CserviceError('CONFIG_INVALID', problem)
    const mark = text.startsWith('\uFEFF') ? '\uFEFF' : ''
    return { mark, json: text.slice(mark.length) }
  } catch (error) {
    throw writeFailed(path, error)
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    const target = await realpath(path)
    // Renaming would replace a file that its owner has made read-only: that is a wish to keep it as it is.
    await (await open(target, 'r+')).close()
    await writeFileAtomic(target, text)
    await syncFolder(dirname(target))
  } catch (error) {
    throw writeFailed(path, error)
  }
}

/** Makes the rename itself last over a loss of power; file systems that cannot do so are left alone. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

function writeFailed(path: string, error: unknown): CserviceError {
  const reason = error instanceof Error ? error.message : String(error)
  return new CserviceError('CONFIG_WRITE_FAILED', `${path} could not be rewritten: ${reason}`, {
    cause: error,
    details: { file: path },
  })
}
