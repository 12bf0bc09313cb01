import { CserviceError } from '../../common/errors.ts'
import { isVersionName, versionNameRule } from '../versions/version-name.ts'

/** What a deploy is to do, apart from the bytes. */
export interface DeployOrder {
  /** The file or folder that it comes from, `-` where that has no name. */
  readonly source: string
  /** Name of the version; null: what package.json says, or the source is called. */
  readonly as: string | null
  /** Workers that it is promoted with; `default`: as many as proxy.json says; null: it is not promoted. */
  readonly promote: number | 'default' | null
  /** In hex, of the archive as it comes. */
  readonly sha256: string | null
  /** Only says what would happen. */
  readonly isDryRun: boolean
}

export const deployUsage = 'proxy deploy <source> [--as <version>] [--promote [n]] [--sha256 <hex>] [--dry-run]'

const maxWorkers = 1_000

/**
 * The words behind `proxy deploy`.
 * @throws CserviceError BAD_USAGE
 */
export function parseDeployWords(words: readonly string[]): DeployOrder {
  const rest = [...words]
  let order: DeployOrder = { source: '', as: null, promote: null, sha256: null, isDryRun: false }
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [name = '', ...inline] = word.startsWith('--') ? word.split('=') : [word]
    if (word.startsWith('--') && inline.length > 0) rest.unshift(inline.join('='))
    if (name === '--as') order = { ...order, as: takeName(rest.shift()) }
    else if (name === '--promote') order = { ...order, promote: takeCount(rest) }
    else if (name === '--sha256') order = { ...order, sha256: takeDigest(rest.shift()) }
    else if (name === '--dry-run' || name === '--dryRun')
      order = { ...order, isDryRun: takeFlag(rest, inline.length > 0) }
    else if (name.startsWith('--')) throw badUsage(`there is no option ${name}`)
    else if (order.source !== '') throw badUsage(`${JSON.stringify(word)} is one word too many`)
    else order = { ...order, source: word }
  }
  if (order.source === '') throw badUsage('the source is missing: a .tgz or .tar, a folder, or - for standard input')
  return order
}

/** The same as a query of REST, for a release that is sent: of the source only its name goes over. */
export function toDeployQuery(order: DeployOrder, file: string | null): URLSearchParams {
  const query = new URLSearchParams()
  if (file !== null) query.set('file', file)
  if (order.as !== null) query.set('as', order.as)
  if (order.promote !== null) query.set('promote', order.promote === 'default' ? '' : String(order.promote))
  if (order.sha256 !== null) query.set('sha256', order.sha256)
  if (order.isDryRun) query.set('dryRun', 'true')
  return query
}

/** The words that a query means. @throws CserviceError BAD_USAGE */
export function deployWordsOf(query: URLSearchParams): string[] {
  const words = [query.get('file') || '-']
  for (const [name, value] of query) {
    if (name === 'as' || name === 'sha256') words.push(`--${name}`, value)
    else if (name === 'promote') words.push('--promote', ...(value === '' || value === 'true' ? [] : [value]))
    else if (name === 'dryRun' || name === 'dry-run') words.push(`--dry-run=${value || 'true'}`)
    else if (name !== 'file') throw badUsage(`there is no parameter ${JSON.stringify(name)}`)
  }
  return words
}

function takeName(word: string | undefined): string {
  // `--as $NAME --promote` with no NAME: nobody calls a version like an option.
  if (word === undefined || word === '' || word.startsWith('--'))
    throw badUsage('--as needs the name of the version behind it')
  if (!isVersionName(word)) throw badUsage(`${JSON.stringify(word)} cannot be a version name (${versionNameRule})`)
  return word
}

function takeCount(rest: string[]): number | 'default' {
  if (!/^\d+$/.test(rest[0] ?? '')) return 'default'
  const count = Number(rest.shift())
  if (count < 1 || count > maxWorkers) throw badUsage(`--promote takes a number of workers from 1 to ${maxWorkers}`)
  return count
}

function takeDigest(word: string | undefined): string {
  if (!/^[0-9a-fA-F]{64}$/.test(word ?? '')) throw badUsage('--sha256 needs a digest of 64 hexadecimal digits')
  return (word ?? '').toLowerCase()
}

function takeFlag(rest: string[], isGiven: boolean): boolean {
  if (!isGiven) return true
  const value = rest.shift()
  if (value !== 'true' && value !== 'false') throw badUsage('--dry-run can only be true or false')
  return value === 'true'
}

function badUsage(why: string): CserviceError {
  return new CserviceError('BAD_USAGE', `${deployUsage}: ${why}`, { hint: 'cservice help proxy' })
}
