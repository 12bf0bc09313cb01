import { createHash } from 'node:crypto'
import { packageVersion } from '../supervisor/commands/version.ts'
import type { FoundProcess } from '../supervisor/found-process.ts'
import type { ListeningPlace } from '../supervisor/listening-sockets.ts'
import type { BindingConfig } from './config/proxy-config.ts'

/** What a pool of the gateway is, for a supervisor that comes after this one (`PoolSpec.tag`). */
export interface VersionTag {
  readonly kind: 'version'
  readonly version: string
}

export interface BindingTag extends ListeningPlace {
  readonly kind: 'binding'
  /** What its processes were made from, as a digest: a configuration may hold a passphrase. */
  readonly madeFrom: string
}

export function versionTag(version: string): VersionTag {
  return { kind: 'version', version }
}

export function bindingTag({ port, host, ...config }: BindingConfig): BindingTag {
  const { workerCount: _, ...served } = config
  const madeFrom = createHash('sha256')
    .update(JSON.stringify([packageVersion(), served]))
    .digest('hex')
  return { kind: 'binding', port, host, madeFrom }
}

/** The version that a process found belongs to; null: none. */
export function versionOf({ entry: { tag } }: FoundProcess): string | null {
  return isRecord(tag) && tag.kind === 'version' && typeof tag.version === 'string' ? tag.version : null
}

/** The binding that a process found belongs to; null: none. */
export function bindingOf({ entry: { tag } }: Pick<FoundProcess, 'entry'>): BindingTag | null {
  return isRecord(tag) && tag.kind === 'binding' ? (tag as unknown as BindingTag) : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
