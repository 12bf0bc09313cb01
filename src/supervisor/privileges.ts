import { userInfo } from 'node:os'
import { CserviceError } from '../common/errors.ts'
import type { Identity } from './plain/run-as.ts'

/**
 * Does something as another user, and is root again afterwards: what it makes belongs to that user, and what that user may not
 * do, it may not either. Synchronous, since the whole process is that user meanwhile. Needs root.
 */
export function asUser<Result>({ uid, gid }: Identity, action: () => Result): Result {
  process.setegid?.(gid)
  process.seteuid?.(uid)
  try {
    return action()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

/**
 * Makes this process, and whatever it starts from now on, that user for good: with the groups of that user and no others.
 * @throws CserviceError UNKNOWN_USER when the system does not let us, or would let us come back
 */
export function becomeUser({ uid, gid }: Identity): void {
  try {
    setGroups(uid, gid)
    process.setgid?.(gid)
    process.setuid?.(uid)
  } catch (cause) {
    throw new CserviceError('UNKNOWN_USER', `This process cannot become user ${uid}, group ${gid}`, { cause })
  }
  if (mayComeBack())
    throw new CserviceError('UNKNOWN_USER', `As user ${uid} this process could still become root again`)
  useHomeOf(uid)
}

/** Documented, and missing in the types of Node. */
const groupsOfProcess = process as { initgroups?(user: number, group: number): void }

/** Those of its account; for a number without one, its group alone. */
function setGroups(uid: number, gid: number): void {
  try {
    groupsOfProcess.initgroups?.(uid, gid)
  } catch {
    process.setgroups?.([gid])
  }
}

function mayComeBack(): boolean {
  try {
    process.setuid?.(0)
    return true
  } catch {
    return process.getuid?.() === 0
  }
}

/** Programs write below their home, and that of root is closed to them. */
function useHomeOf(uid: number): void {
  const account = accountOf(uid)
  for (const name of ['HOME', 'USER', 'LOGNAME'] as const) delete process.env[name]
  if (account !== null)
    Object.assign(process.env, { HOME: account.homedir, USER: account.username, LOGNAME: account.username })
}

function accountOf(uid: number) {
  try {
    const account = userInfo()
    return account.uid === uid ? account : null
  } catch {
    return null // a number that no account goes by
  }
}
