import { isDeepStrictEqual } from 'node:util'
import type { Side } from './side.ts'

/** One field in which two answers differ. */
export interface FieldDifference {
  /** What was done. */
  readonly step: string
  /** Where in the answer: `body.workers.0.state`; empty for the whole. */
  readonly field: string
  /** undefined: there is no such field. */
  readonly old: unknown
  readonly ours: unknown
}

/** Every field in which the answers of one step differ. */
export function compare(step: string, old: unknown, ours: unknown): FieldDifference[] {
  return [...differing('', old, ours)].map((difference) => ({ step, ...difference }))
}

function* differing(field: string, old: unknown, ours: unknown): Generator<Omit<FieldDifference, 'step'>> {
  if (isDeepStrictEqual(old, ours)) return
  if (!isObject(old) || !isObject(ours) || Array.isArray(old) !== Array.isArray(ours)) {
    yield { field, old, ours }
    return
  }
  for (const key of new Set([...Object.keys(old), ...Object.keys(ours)])) {
    yield* differing(field === '' ? key : `${field}.${key}`, old[key], ours[key])
  }
}

const measured: Readonly<Record<string, string>> = {
  pid: 'a process',
  ...Object.fromEntries(['rss', 'heapTotal', 'heapUsed', 'external', 'arrayBuffers'].map((key) => [key, 'bytes'])),
  ...Object.fromEntries(['uptime', 'mean', 'max'].map((key) => [key, 'a time'])),
  ...Object.fromEntries(['avgRequests', 'avgConnections'].map((key) => [key, 'a rate'])),
}

/** An answer without what differs between any two runs: numbers of processes, bytes, times, ports, folders. */
export function normalise(value: unknown, side: Side): unknown {
  if (typeof value === 'string') return withoutPlaces(value, side)
  if (Array.isArray(value)) return value.map((item) => normalise(item, side))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key in measured && typeof item === 'number') return [key, measured[key]]
      if (key === 'hrtime') return [key, Array.isArray(item) ? item.map(() => 'a time') : item]
      return [key, normalise(item, side)]
    }),
  )
}

function withoutPlaces(text: string, { folder, port, webPort }: Side): string {
  return text
    .replaceAll(folder, '<folder>')
    .replaceAll(String(port), '<port>')
    .replaceAll(String(webPort), '<web port>')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
