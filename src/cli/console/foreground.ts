import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Whether this process may use its terminal now. One in the background (`&`, `bg`) is stopped by the kernel when it reads
 * from it or changes its mode, together with every worker in its process group.
 */
export function isForeground(): boolean {
  const groups = fromProc() ?? fromPs()
  // No foreground group that can be seen from here, as in some containers: then nobody else has the terminal.
  return groups === null || !(groups.foreground > 0) || groups.own === groups.foreground
}

interface Groups {
  readonly own: number
  readonly foreground: number
}

function fromProc(): Groups | null {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { own: Number(group), foreground: Number(foreground) }
  } catch {
    return null
  }
}

function fromPs(): Groups | null {
  try {
    const words = ['-o', 'pgid=', '-o', 'tpgid=', '-p', String(process.pid)]
    const [own, foreground] = execFileSync('ps', words, { encoding: 'utf8', timeout: 2_000 }).trim().split(/\s+/)
    return { own: Number(own), foreground: Number(foreground) }
  } catch {
    return null
  }
}
