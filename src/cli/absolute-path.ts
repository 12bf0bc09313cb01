import { resolve } from 'node:path'
import { findModule } from '../common/find-file.ts'
import { isProxyStart } from './proxy-start.ts'

/** Which word of a command is the path of a worker. */
const workerPathAt = new Map([
  ['start', 1],
  ['upgrade', 2],
])

/** The gateway may run in another directory than this: a path that means a file here is that file there. */
export function withAbsolutePath(words: readonly string[]): readonly string[] {
  if (isProxyStart(words)) return words.map((word, index) => (index === 2 ? resolve(word) : word))
  const place = workerPathAt.get(words[0] ?? '')
  return words.map((word, index) => (index === place ? (findModule(word, [process.cwd()]) ?? word) : word))
}
