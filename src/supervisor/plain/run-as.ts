import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { CserviceError } from '../../common/errors.ts'

/** The user and group that a process runs as. */
export interface Identity {
  readonly uid: number
  readonly gid: number
}

const largestId = 2 ** 32 - 2
const lookUpMs = 5_000

/**
 * The numbers of a user and a group, which may be names. Without a group it is the user's primary one.
 * @param user null: ours
 * @param own who we are: only root may become another
 * @throws CserviceError UNKNOWN_USER: there is no such user or group, or we may not become it
 */
export async function resolveIdentity(
  user: string | number | null,
  group: string | number | null,
  own: Identity = ownIdentity(),
): Promise<{ uid: number | null; gid: number | null }> {
  const account = user === null ? null : await findUser(user)
  const gid = group !== null ? await findGroup(group) : account === null ? null : primaryGroup(account)
  const uid = account?.uid ?? null
  if (own.uid !== 0 && ((uid ?? own.uid) !== own.uid || (gid ?? own.gid) !== own.gid)) {
    throw new CserviceError(
      'UNKNOWN_USER',
      `Only root may run as ${[user === null ? '' : `user ${user}`, group === null ? '' : `group ${group}`].filter(Boolean).join(' and ')}; this service runs as user ${own.uid}, group ${own.gid}`,
    )
  }
  return { uid, gid }
}

function ownIdentity(): Identity {
  return { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 }
}

interface Account {
  readonly shown: string | number
  readonly uid: number
  /** Null for a number that no account goes by. */
  readonly gid: number | null
}

async function findUser(user: string | number): Promise<Account> {
  const id = toId(user)
  const line = await findLine('passwd', user, id)
  if (line !== null) return { shown: user, uid: Number(line[2]), gid: Number(line[3]) }
  const uid = await askNumber('id', ['-u', String(user)])
  if (uid !== null) return { shown: user, uid, gid: await askNumber('id', ['-g', String(user)]) }
  if (id !== null) return { shown: user, uid: id, gid: null }
  throw new CserviceError('UNKNOWN_USER', `There is no user "${user}" on this machine`)
}

function primaryGroup({ shown, gid }: Account): number {
  if (gid !== null) return gid
  throw new CserviceError('UNKNOWN_USER', `User ${shown} has no primary group on this machine`, {
    hint: 'Name a group as well (workerGid, or group for the service).',
  })
}

async function findGroup(group: string | number): Promise<number> {
  const id = toId(group)
  if (id !== null) return id
  const line = await findLine('group', group, null)
  const found = line !== null ? Number(line[2]) : await askNumber('getent', ['group', String(group)])
  if (found !== null) return found
  throw new CserviceError('UNKNOWN_USER', `There is no group "${group}" on this machine`)
}

/** The number that was given as such; null for a name. */
function toId(given: string | number): number | null {
  if (typeof given === 'string' && !/^\d{1,10}$/.test(given)) return null
  const id = Number(given)
  if (Number.isInteger(id) && id >= 0 && id <= largestId) return id
  throw new CserviceError('UNKNOWN_USER', `${given} is no number of a user or group`)
}

/** The fields of a line of /etc/passwd or /etc/group. */
async function findLine(table: 'passwd' | 'group', name: string | number, id: number | null): Promise<string[] | null> {
  const lines = (await readFile(`/etc/${table}`, 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'))
  return (
    lines.find((fields) => fields.length > 2 && (id === null ? fields[0] === name : fields[2] === String(id))) ?? null
  )
}

/** The first number that a program prints, for accounts that stand in no file; null when it fails, or is not there. */
function askNumber(program: string, args: readonly string[]): Promise<number | null> {
  // A name that looks like an option, or has what separates fields, is nobody's.
  if (!/^[^\s:\0-][^\s:\0]*$/.test(args.at(-1) ?? '')) return Promise.resolve(null)
  return new Promise((resolve) => {
    execFile(program, args, { timeout: lookUpMs, killSignal: 'SIGKILL' }, (error, stdout) => {
      const fields = error ? [] : stdout.trim().split(':')
      const number = fields[2] ?? fields[0] // `root:x:0:` of getent, `0` of id
      resolve(number === undefined || !/^\d+$/.test(number) ? null : Number(number))
    })
  })
}
