import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { fileNames } from './certificates/read-files.ts'
import type { ProxyConfig } from './config/proxy-config.ts'

/** A file or folder that this user may not use as the gateway has to. */
export interface ForbiddenPath {
  readonly path: string
  readonly may: 'read' | 'written' | 'entered'
  /** What it is for. */
  readonly what: string
  /** Whether the gateway can do without: it serves, but something else does not work. */
  readonly isEssential: boolean
}

interface Need extends ForbiddenPath {
  readonly mode: number
}

const { R_OK, W_OK, X_OK } = constants

/** What of the gateway's files this process, as it is now, may not use; those that are not there are nobody's concern here. */
export async function findForbidden(config: ProxyConfig): Promise<ForbiddenPath[]> {
  const found = await Promise.all(
    needsOf(config).map(async (need) => ((await isAllowed(need)) ? [] : [await blame(need)])),
  )
  return found.flat().filter(({ path }, index, all) => all.findIndex((other) => other.path === path) === index)
}

/** A sentence about it. */
export function describeForbidden({ path, may, what }: ForbiddenPath): string {
  return `${path} cannot be ${may}: ${what}`
}

function needsOf({ file, versionPath, accessLog, bindings }: ProxyConfig): Need[] {
  const folder = dirname(file)
  const state = join(folder, '.cservice')
  const rewritten = 'proxy.json is rewritten there by a promote'
  const keys = bindings.flatMap(({ tlsOptions }) => fileNames(tlsOptions ?? {}))
  return [
    need(file, 'read', R_OK, 'the configuration'),
    need(folder, 'written', W_OK | X_OK, rewritten),
    need(state, 'written', R_OK | W_OK | X_OK, 'the state of the gateway is kept there'),
    ...['journal.jsonl', 'pin.key', 'last-use.json'].map((name) =>
      need(join(state, name), 'written', R_OK | W_OK, 'it is part of the state of the gateway'),
    ),
    need(versionPath, 'entered', R_OK | X_OK, 'the versions are there'),
    { ...need(versionPath, 'written', W_OK, 'deploy, remove and retain work there'), isEssential: false },
    ...(accessLog === null ? [] : [need(accessLog, 'written', W_OK, 'it is the access log')]),
    ...keys.map(({ file: name }) => need(name, 'read', R_OK, 'a binding serves TLS with it')),
  ]
}

function need(path: string, may: ForbiddenPath['may'], mode: number, what: string): Need {
  return { path, may, mode, what, isEssential: true }
}

async function isAllowed({ path, mode }: Need): Promise<boolean> {
  try {
    await access(path, mode)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/** A folder on the way that cannot be entered is what has to be mended. */
async function blame(need: Need): Promise<ForbiddenPath> {
  const { mode: _mode, ...forbidden } = need
  for (const folder of foldersAbove(need.path)) {
    const isClosed = await stat(folder).then(
      () =>
        access(folder, X_OK).then(
          () => false,
          () => true,
        ),
      () => false,
    )
    if (isClosed) return { ...forbidden, path: folder, may: 'entered', what: `${need.path} is in it` }
  }
  return forbidden
}

/** From the root down. */
function foldersAbove(path: string): string[] {
  const { root } = parse(path)
  const folders: string[] = []
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) folders.unshift(folder)
  return folders
}
