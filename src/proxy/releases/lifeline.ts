import { spawn } from 'node:child_process'

export interface Lifeline {
  /** The group has ended, or may live without us. */
  cut(): void
}

/**
 * Has a process group ended (SIGKILL) should this process die in whatever way, since nobody would look after it then. A shell of its
 * own reads from us, and does it when there is nothing to read any more.
 * @param group the pid of its leader, which must not begin before this returns
 */
export function tieToOurLife(group: number): Lifeline {
  const watcher = spawn('/bin/sh', ['-c', 'read -r done || kill -s KILL -- "-$1"', 'lifeline', String(group)], {
    detached: true, // Ctrl-C in our terminal is not for it
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watcher.on('error', () => {}) // no process left to give; then the one that it was to watch is hardly there either
  watcher.unref()
  watcher.stdin.on('error', () => {})
  return { cut: () => void watcher.stdin.end('done\n') }
}
