import { readdirSync, readFileSync } from 'node:fs'

/** A running process, as `/proc` shows it. Zombies do not count. */
export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/**
 * Every process that inherited the environment variable, orphans included. An empty list where there is no `/proc`: the
 * checks built on it hold on Linux only.
 */
export function processesMarked(variable: string, value: string): RunningProcess[] {
  const mark = `${variable}=${value}`
  return pids().flatMap((pid) => {
    const environment = read(pid, 'environ')
    if (environment === null || !environment.split('\0').includes(mark)) return []
    const found = describeProcess(pid)
    return found === null ? [] : [found]
  })
}

export function describeProcess(pid: number): RunningProcess | null {
  const stat = read(pid, 'stat')
  const command = read(pid, 'cmdline')
  if (stat === null || command === null) return null
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' ? null : { pid, parent: Number(parent), command: command.replaceAll('\0', ' ').trim() }
}

/** The environment with which a process was started; null if it is gone or not ours. */
export function environmentOf(pid: number): Record<string, string> | null {
  const text = read(pid, 'environ')
  if (text === null) return null
  return Object.fromEntries(
    text
      .split('\0')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A zombie has ended; only its parent has not looked yet.
  return process.platform !== 'linux' || describeProcess(pid) !== null
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function read(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return null
  }
}
