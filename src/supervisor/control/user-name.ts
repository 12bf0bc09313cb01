import { userInfo } from 'node:os'

/** Who runs this process, for logs and the journal. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.geteuid?.() ?? 0}` // a user without an entry in passwd
  }
}
