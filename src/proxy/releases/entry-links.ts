import { pathKey } from './entry-names.ts'
import { refused } from './refusal.ts'

const maxHops = 40
const maxTargetBytes = 1_024

/** What a symbolic link holds. @throws CserviceError RELEASE_REFUSED where that is wrong without looking further */
export function checkLinkTarget(path: string, target: string): void {
  if (target.startsWith('/')) throw refused('is a link to an absolute path', path)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  if (target === '' || /[\u0000-\u001f\u007f-\u009f\ufffd]/.test(target) || Buffer.byteLength(target) > maxTargetBytes)
    throw refused('is a link to something that is no path', path)
}

/**
 * Follows every symbolic link as the system would, through all others, and holds each step to the folder.
 * @param links target by path
 * @param root the folder that none may leave; empty: that of the archive
 * @throws CserviceError RELEASE_REFUSED: one leaves it, or leads in a circle
 */
export function checkLinks(links: ReadonlyMap<string, string>, root: string): void {
  const rootDepth = root === '' ? 0 : root.split('/').length
  // By what any file system takes for the same name.
  const byKey = new Map(Array.from(links, ([path, target]) => [pathKey(path), target]))
  for (const [path, target] of links) follow(path, target, byKey, rootDepth)
}

function follow(path: string, target: string, links: ReadonlyMap<string, string>, rootDepth: number): void {
  const place = path.split('/').slice(0, -1)
  const steps = target.split('/')
  let hops = 0
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    if (step === '' || step === '.') continue
    if (step === '..') {
      if (place.length <= rootDepth) throw refused(`is a link that leaves the release (${target})`, path)
      place.pop()
      continue
    }
    place.push(step)
    const further = links.get(pathKey(place.join('/')))
    if (further === undefined) continue
    if (++hops > maxHops) throw refused('is a link that leads in a circle', path)
    place.pop()
    steps.unshift(...further.split('/'))
  }
}
