import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { WrongValue } from '../../common/config/check-config.ts'
import type { ConfigPath } from '../../common/config/config-problem.ts'
import { digestOf } from '../routing/access/preview-lock.ts'
import type { PreviewSettings } from '../routing/selection-settings.ts'
import { previewKeyPattern, previewKeyRule } from './access-schema.ts'
import type { AccessConfig } from './proxy-config.ts'
import type { ParsedConfig } from './schema.ts'

/** Milliseconds. */
const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/**
 * Who may reach a version by naming it. Reads the files that keys are in.
 * @param folder of proxy.json
 * @returns what is wrong with such a file
 */
export function accessOfConfig({ onDemand, previewKey }: ParsedConfig, folder: string): AccessConfig | WrongValue[] {
  const previews = readKeys(previewKey, folder)
  const wrong = previews.filter((preview) => 'allowed' in preview)
  if (wrong.length > 0) return wrong
  const [count = '', unit = ''] = onDemand.rate?.split('/') ?? []
  return {
    allow: onDemand.allow.includes('*') ? null : onDemand.allow,
    rate: onDemand.rate === null ? null : { count: Number(count), period: units[unit] ?? 0 },
    previews: previews.filter((preview) => 'digest' in preview),
  }
}

/**
 * The files that keys of previews are in, absolute.
 * @param previewKey as it stands in proxy.json, right or wrong
 */
export function keyFilesOf(previewKey: unknown, folder: string): string[] {
  if (typeof previewKey !== 'object' || previewKey === null) return []
  const names = [previewKey, ...Object.values(previewKey)].map((key) => (key as { file?: unknown } | null)?.file)
  return [...new Set(names.filter((name) => typeof name === 'string').map((name) => resolve(folder, name)))]
}

function readKeys(previewKey: ParsedConfig['previewKey'], folder: string): Array<PreviewSettings | WrongValue> {
  if (previewKey === null) return []
  if (isKey(previewKey)) return [readKey('*', previewKey, ['previewKey'], folder)]
  return Object.entries(previewKey).map(([versions, key]) => readKey(versions, key, ['previewKey', versions], folder))
}

type Key = string | { readonly file: string }

/** A version whose only pattern would be `file` has to be called otherwise. */
function isKey(previewKey: NonNullable<ParsedConfig['previewKey']>): previewKey is Key {
  return typeof previewKey === 'string' || (Object.keys(previewKey).length === 1 && typeof previewKey.file === 'string')
}

function readKey(versions: string, key: Key, path: ConfigPath, folder: string): PreviewSettings | WrongValue {
  if (typeof key === 'string') return { versions, digest: digestOf(key).toString('base64') }
  const file = resolve(folder, key.file)
  const allowed = `a file whose content is a key (${previewKeyRule})`
  try {
    const text = readFileSync(file, 'utf8').trim()
    if (!previewKeyPattern.test(text)) return { path, found: `${file}, which holds none`, allowed }
    return { versions, digest: digestOf(text).toString('base64') }
  } catch (error) {
    return { path, found: `${file}, which cannot be read: ${(error as Error).message}`, allowed }
  }
}
