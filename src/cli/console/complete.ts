import { knownCommands } from '../known-commands.ts'
import { isObject } from '../render-value.ts'
import { completeFile } from './complete-file.ts'

/** What can stand where the cursor is, and the beginning that is typed already. */
export interface Completion {
  readonly candidates: readonly string[]
  readonly typed: string
}

/** Asks the service something that only reads. Rejects when it cannot be asked. */
export type Ask = (line: string) => Promise<unknown>

const proxyCommands = [
  'start',
  'stop',
  'version',
  'promote',
  'rollout',
  'mirror',
  'deploy',
  'pack',
  'rollback',
  'history',
  'diff',
  'versions',
  'remove',
  'info',
  'why',
]

/**
 * What the word before the cursor may become: commands as `help` lists them, subcommands, versions, pids, files.
 * @param line up to the cursor
 * @param own words that this console understands by itself
 */
export async function complete(line: string, ask: Ask, own: readonly string[]): Promise<Completion> {
  const typed = /(?:"[^"]*|\S*)$/.exec(line)?.[0] ?? ''
  const before = line
    .slice(0, line.length - typed.length)
    .split(/\s+/)
    .filter((word) => word !== '')
  const candidates = await candidatesAfter(before, typed, ask, own)
  const matching = [...new Set(candidates)].filter((candidate) => candidate.startsWith(typed))
  const [only] = matching
  // As in a shell: a word that is sure is followed by a space; a folder is not finished.
  const isFinished = matching.length === 1 && only !== undefined && !only.endsWith('/')
  return { candidates: isFinished ? [`${only} `] : matching, typed }
}

async function candidatesAfter(
  before: readonly string[],
  typed: string,
  ask: Ask,
  own: readonly string[],
): Promise<readonly string[]> {
  const [name, second] = before
  if (name === undefined) return [...(await commandNames(ask)), ...own]
  const place = `${name}${name === 'proxy' && second !== undefined ? ` ${second}` : ''} ${before.length}`
  switch (place) {
    case 'proxy 1':
      return await subcommands(ask)
    case 'proxy version 2':
    case 'proxy promote 2':
    case 'proxy remove 2':
    case 'proxy diff 2':
    case 'proxy diff 3':
      return await versionNames(ask)
    case 'proxy rollout 2':
      return ['pause', 'resume', 'abort', 'status', ...(await versionNames(ask))]
    case 'proxy mirror 2':
      return ['off', ...(await versionNames(ask))]
    case 'proxy start 2':
    case 'start 1':
    case 'upgrade 2':
      return await completeFile(typed)
    case 'restart 1':
    case 'shutdown 1':
    case 'upgrade 1':
      return ['all', ...(await pids(ask))]
    case 'help 1':
      return await commandNames(ask)
    case 'workers 1':
      return ['simple', 'details']
    case 'exit 1':
      return ['now']
    default:
      return []
  }
}

/** Those that the service lists, its own custom ones as well; those that every service has, where it cannot say. */
async function commandNames(ask: Ask): Promise<readonly string[]> {
  const answer = await askQuietly(ask, 'help')
  return isObject(answer) && Array.isArray(answer.commands) ? answer.commands.map(String) : knownCommands
}

async function subcommands(ask: Ask): Promise<readonly string[]> {
  const answer = await askQuietly(ask, 'help proxy')
  const usage = isObject(answer) && typeof answer.command === 'string' ? answer.command : ''
  const names = /^proxy (\S+)$/.exec(usage)?.[1]?.split('|')
  return names ?? proxyCommands
}

async function versionNames(ask: Ask): Promise<readonly string[]> {
  const answer = await askQuietly(ask, 'proxy info')
  const versions = isObject(answer) && Array.isArray(answer.versions) ? answer.versions : []
  return versions.filter(isObject).map(({ name }) => String(name))
}

async function pids(ask: Ask): Promise<readonly string[]> {
  const answer = await askQuietly(ask, 'workers')
  const workers = isObject(answer) && Array.isArray(answer.workers) ? answer.workers : []
  return workers.filter(isObject).map(({ pid }) => String(pid))
}

async function askQuietly(ask: Ask, line: string): Promise<unknown> {
  try {
    return await ask(line)
  } catch {
    return null
  }
}
