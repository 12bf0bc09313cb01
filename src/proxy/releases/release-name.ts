import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CserviceError } from '../../common/errors.ts'
import { isVersionName, versionNameRule } from '../versions/version-name.ts'

const maxPackageBytes = 1024 * 1024
const archiveExtension = /\.(tgz|tar\.gz|tar)$/i

/**
 * What a release is called of which nobody has said it: `version` of its package.json, else the name of the file or folder
 * that it came from.
 * @param folder where it has been unpacked
 * @param source its file or folder; `-`: it has none
 * @throws CserviceError BAD_USAGE when neither is there or can name a version
 */
export async function findReleaseName(folder: string, source: string): Promise<string> {
  const version = await packageVersion(folder)
  if (version !== null) {
    if (isVersionName(version)) return version
    throw nameless(`its package.json says version ${JSON.stringify(version)}, which cannot be one (${versionNameRule})`)
  }
  const name = basename(source).replace(archiveExtension, '')
  if (source !== '-' && isVersionName(name)) return name
  const why = source === '-' ? 'it came without a name' : `${JSON.stringify(name)} cannot be one (${versionNameRule})`
  throw nameless(`it has no package.json with a version, and ${why}`)
}

async function packageVersion(folder: string): Promise<string | null> {
  const file = join(folder, 'package.json')
  try {
    if ((await stat(file)).size > maxPackageBytes) return null
    const { version } = JSON.parse(await readFile(file, 'utf8')) as { version?: unknown }
    return typeof version === 'string' && version !== '' ? version : null
  } catch {
    return null // there is none, or it is a package.json of nobody's
  }
}

function nameless(why: string): CserviceError {
  return new CserviceError('BAD_USAGE', `The release has no name: ${why}`, { hint: 'Give it one: --as <version>' })
}
