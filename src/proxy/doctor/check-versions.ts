import { constants } from 'node:fs'
import { access, readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import semver from 'semver'
import type { ProxyConfig } from '../config/proxy-config.ts'
import { looksLikeRange, VersionRanges } from '../routing/version-ranges.ts'
import { findWorkerFile } from '../versions/catalog.ts'
import { isVersionName, versionNameRule } from '../versions/version-name.ts'
import { type Finding, Findings } from './finding.ts'
import type { Subject } from './subject.ts'

/** A folder in `versionPath`. */
export interface VersionFolder {
  readonly name: string
  /** null: it has none, and so is no version. */
  readonly workerFile: string | null
  /** Whether Node runs it, or the system can. */
  readonly canRun: boolean
  /** `engines.node` of its package.json; null: it says nothing. */
  readonly engines: string | null
}

type Names = Pick<ProxyConfig, 'defaultVersion' | 'workerFilename' | 'versionPath' | 'rollout' | 'mirror' | 'selection'>

const shownNames = 5

/** Pure. @param node the version of Node that runs them */
export function judgeVersions(config: Names, folders: readonly VersionFolder[], node: string): Finding[] {
  const findings = new Findings('versions')
  const { workerFilename, versionPath, defaultVersion } = config
  const versions = folders.filter(({ name, workerFile }) => workerFile !== null && isVersionName(name))
  const names = new Set(versions.map(({ name }) => name))
  if (names.size === 0)
    findings.problem(
      `there is no version in ${versionPath}`,
      `Bring one in: a folder with ${workerFilename}, or cservice proxy deploy.`,
    )
  if (defaultVersion === null)
    findings.warning(
      'no version is live: a request that names none is answered 404',
      'cservice proxy promote <version>',
    )
  else if (!names.has(defaultVersion))
    findings.problem(
      `the live version ${defaultVersion} is not in ${versionPath}, or has no ${workerFilename}`,
      'Bring it in, or set defaultVersion in proxy.json to one that is there.',
    )
  const ranges = new VersionRanges(names)
  for (const [what, name] of namedIn(config)) {
    if (names.has(name) || (looksLikeRange(name) && ranges.highest(name) !== null)) continue
    findings.warning(`${what} names ${name}, which is no version here`, 'Bring it in, or change proxy.json.')
  }
  for (const { name, workerFile } of versions.filter(({ canRun }) => !canRun))
    findings.problem(`${workerFile} of ${name} is not executable`, `chmod +x ${workerFile}`)
  for (const { name, engines } of versions)
    if (
      engines !== null &&
      semver.validRange(engines) !== null &&
      !semver.satisfies(node, engines, { includePrerelease: true })
    )
      findings.warning(
        `${name} wants Node ${engines}, and gets ${node}`,
        'Run the gateway with a Node that all versions can use.',
      )
  const others = folders.filter(({ name }) => !names.has(name) && !name.startsWith('.'))
  const odd = others.filter(({ name }) => !isVersionName(name))
  if (odd.length > 0) findings.note(`no version can be called ${list(odd)} (${versionNameRule})`)
  const empty = others.filter(
    ({ name, workerFile }) => isVersionName(name) && workerFile === null && name !== 'node_modules',
  )
  if (empty.length > 0) findings.note(`folders without ${workerFilename}, which are no versions: ${list(empty)}`)
  return findings.end(`${names.size} in ${versionPath}, ${defaultVersion} is live`)
}

export async function checkVersions({ config }: Subject): Promise<Finding[]> {
  return judgeVersions(config, await readFolders(config), process.versions.node)
}

function namedIn({ rollout, mirror, selection: { aliases } }: Names): Array<readonly [what: string, name: string]> {
  return [
    ...(rollout === null ? [] : ([['the rollout', rollout.version]] as const)),
    ...(mirror === null ? [] : ([['mirror', mirror.version]] as const)),
    ...aliases.map(([alias, meaning]) => [`the alias ${alias}`, meaning] as const),
  ]
}

function list(folders: readonly VersionFolder[]): string {
  const names = folders.slice(0, shownNames).map(({ name }) => JSON.stringify(name))
  return `${names.join(', ')}${folders.length > shownNames ? ` and ${folders.length - shownNames} more` : ''}`
}

async function readFolders({ versionPath, workerFilename }: ProxyConfig): Promise<VersionFolder[]> {
  const names = await readdir(versionPath).catch(() => [])
  const folders = await Promise.all(names.map((name) => readFolder(join(versionPath, name), name, workerFilename)))
  return folders.flat()
}

async function readFolder(path: string, name: string, workerFilename: string): Promise<VersionFolder[]> {
  const stats = await stat(path).catch(() => null)
  if (!stats?.isDirectory()) return []
  const workerFile = await findWorkerFile(path, workerFilename).catch(() => null)
  const canRun = workerFile === null || (await canBeRun(workerFile))
  return [{ name, workerFile, canRun, engines: workerFile === null ? null : await enginesOf(path) }]
}

async function canBeRun(file: string): Promise<boolean> {
  if (/^\.[mc]?[jt]s$/i.test(extname(file))) return true
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function enginesOf(folder: string): Promise<string | null> {
  try {
    const { engines } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return typeof engines?.node === 'string' ? engines.node : null
  } catch {
    return null
  }
}
