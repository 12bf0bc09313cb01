import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isPortFree } from './free-ports.ts'

/** The number of nobody, and of its group. */
export const nobody = 65_534

/** Whether programs can be started here as nobody: we are root, and nobody can read this package. Tests say so when they are skipped. */
export const canBecomeNobody = process.getuid?.() === 0 && canRead(fileURLToPath(new URL('../..', import.meta.url)))

/** Gives a folder and all that is in it to nobody. */
export function giveToNobody(folder: string): void {
  chmodSync(folder, 0o755)
  chownSync(folder, nobody, nobody)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, name), nobody, nobody)
}

/** A port that only root may open; null: there is none here, or none is free. */
export async function lowPort(): Promise<number | null> {
  const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  for (let port = Math.min(first, 1_024) - 1; port > 600; port--) if (await isPortFree(port)) return port
  return null
}

function canRead(folder: string): boolean {
  try {
    execFileSync(process.execPath, ['-p', 'fs.readdirSync(process.argv[1]).length', folder], {
      uid: nobody,
      gid: nobody,
      cwd: '/',
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}
