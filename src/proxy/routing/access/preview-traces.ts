import { withoutBlanks } from '../cookies.ts'
import type { ReplacedHeader, SelectableRequest } from '../selection.ts'

/** Where a client gives the key of a preview. */
export const keyHeader = 'x-preview-key'
export const keyParameter = 'preview-key'
/** What the names of our cookies begin with. */
export const cookiePrefix = 'cservice-preview-'

/** A target, or a URL, without the key; the same text where there is none. The rest stays byte for byte. */
export function withoutKey(text: string): string {
  const start = text.indexOf('?')
  if (start === -1 || !text.includes(keyParameter, start)) return text
  const pairs = text.slice(start + 1).split('&')
  const others = pairs.filter((pair) => pair !== keyParameter && !pair.startsWith(`${keyParameter}=`))
  if (others.length === pairs.length) return text
  return others.length === 0 ? text.slice(0, start) : `${text.slice(0, start)}?${others.join('&')}`
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
