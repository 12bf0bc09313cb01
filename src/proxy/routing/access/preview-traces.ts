import { withoutBlanks } from '../cookies.ts'
import type { ReplacedHeader, SelectableRequest } from '../selection.ts'
import { decoded } from '../selectors/decoded.ts'

/** Where a client gives the key of a preview. */
export const keyHeader = 'x-preview-key'
export const keyParameter = 'preview-key'
/** What the names of our cookies begin with. */
export const cookiePrefix = 'cservice-preview-'

/** A target, or a URL, without the key; the same text where there is none. The rest stays byte for byte. */
export function withoutKey(text: string): string {
  return rewritten(text, (pairs) => pairs.filter((pair) => valueOfKey(pair) === null))
}

/** The same as it may be logged: with `***` for the key. */
export function withMaskedKey(text: string): string {
  return rewritten(text, (pairs) => pairs.map((pair) => (valueOfKey(pair) ? `${keyParameter}=***` : pair)))
}

/** A value of `Set-Cookie` as it may be shown: ours opens like the key. */
export function withMaskedCookie(cookie: string): string {
  return cookie.startsWith(cookiePrefix) ? cookie.replace(/=[^;]*/, '=***') : cookie
}

/** Every key in the query of a target, as it is written there. */
export function keysInQuery(target: string): string[] {
  const keys: string[] = []
  rewritten(target, (pairs) => {
    keys.push(...pairs.map(valueOfKey).filter((key) => key !== null))
    return pairs
  })
  return keys
}

/** Header fields that the worker gets otherwise than they came, because keys, or our cookies in their place, are in them. */
export function withoutTraces(request: SelectableRequest): ReplacedHeader[] {
  const replaced: ReplacedHeader[] = []
  if (request.header(keyHeader).length > 0) replaced.push([keyHeader, null])
  const cookies = request.header('cookie')
  if (cookies.some((line) => line.includes(cookiePrefix))) replaced.push(['cookie', withoutOurs(cookies)])
  // A page with the key in its address is what its browser names as the referrer of everything that it loads.
  const referrers = request.header('referer')
  const [referrer = ''] = referrers
  if (referrers.some((line) => withoutKey(line) !== line)) replaced.push(['referer', withoutKey(referrer)])
  return replaced
}

/** null: no cookie is left. */
function withoutOurs(lines: readonly string[]): string | null {
  const pairs = lines.flatMap((line) => line.split(';')).map(withoutBlanks)
  const others = pairs.filter((pair) => !pair.startsWith(cookiePrefix))
  return others.length === 0 ? null : others.join('; ')
}

/** Most targets have no key, and cost no more than the look for one. */
function rewritten(text: string, rewrite: (pairs: string[]) => string[]): string {
  const start = text.indexOf('?')
  if (start === -1 || !(text.includes(keyParameter, start) || text.includes('%', start))) return text
  const pairs = rewrite(text.slice(start + 1).split('&'))
  return pairs.length === 0 ? text.slice(0, start) : `${text.slice(0, start)}?${pairs.join('&')}`
}

/** null: another parameter. Workers decode names before they look at them: `preview%2Dkey` is the same one to them, and so it is here. */
function valueOfKey(pair: string): string | null {
  const equals = pair.indexOf('=')
  const name = equals === -1 ? pair : pair.slice(0, equals)
  // The longest that can be it has each character encoded.
  const isKey = name === keyParameter || (name.length <= 3 * keyParameter.length && decoded(name) === keyParameter)
  if (!isKey) return null
  return equals === -1 ? '' : pair.slice(equals + 1)
}
