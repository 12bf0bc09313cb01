import { basename } from 'node:path'
import type { WorkerEntry } from '../supervisor/plain/worker-entry.ts'
import { style } from './style.ts'

export interface ServiceFacts {
  readonly workers: ReadonlyArray<Pick<WorkerEntry, 'name' | 'file' | 'count'>>
  /** Where REST listens, if it does. */
  readonly rest: string | null
  /** Options that commands for this service need (`--port 11988`). */
  readonly flags: string
  /** The greeting of its proxy, if it has one. */
  readonly gateway: string | null
}

/** What a service with workers that has just started tells the person before it: what runs, and what to type next. */
export function serviceGreeting({ workers, rest, flags, gateway }: ServiceFacts): string {
  const lines = [
    workers.length === 0
      ? "No workers running. Try 'start server.js'."
      : `The service is running: ${style('bold', workers.map(describeEntry).join(', '))}`,
    rest === null
      ? "LOCAL ONLY MODE. Run with 'accessKey' option to enable communication channel."
      : `Listening at ${style('cyan', rest)}`,
    '',
  ]
  if (gateway !== null) return [...lines, gateway].join('\n')
  const next = [
    workers.length === 0 ? ['start workers', `cservice start server.js${flags}`] : null,
    ['see the workers', `cservice workers${flags}`],
    ['replace them', `cservice restart all${flags}`],
    ['stop everything', `cservice shutdown all${flags}`],
  ].filter((line) => line !== null)
  const width = Math.max(...next.map(([label = '']) => label.length))
  return [
    ...lines,
    'From another terminal:',
    ...next.map(([label = '', line = '']) => `  ${label.padEnd(width)}  ${style('bold', line)}`),
    '',
    'Ctrl-C stops it gracefully.',
  ].join('\n')
}

function describeEntry({ name, file, count }: ServiceFacts['workers'][number]): string {
  const what = `${count} ${count === 1 ? 'worker' : 'workers'} of ${basename(file)}`
  return name === 'main' ? what : `${name} (${what})`
}
