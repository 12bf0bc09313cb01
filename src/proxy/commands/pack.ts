import { createWriteStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CserviceError } from '../../common/errors.ts'
import { ByteAnswer } from '../../supervisor/control/byte-answer.ts'
import type { ByteRoute } from '../../supervisor/control/command.ts'
import { goodLevel, packFolder } from '../releases/pack.ts'
import { badUsage, refuseMore, requireWord } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'

/** The word that stands for "as the answer", which only a route can take. */
const asAnswer = '-'

export const packCommand: Subcommand = {
  name: 'pack',
  usage: 'proxy pack <version|folder> [file.tgz]',
  help: {
    info: 'Packs a version, or any folder, into a tarball that proxy deploy takes: the same folder always makes the same bytes.',
    version: 'Required. A folder is packed where the command is typed, and needs no gateway.',
    file: 'Optional. Default: <version>.tgz. One that is there already is not touched.',
    example: 'cservice proxy pack v3 v3.tgz',
  },
  async run(args, host, { caller }) {
    const name = requireWord(packCommand, args, 0, 'the version')
    const file = args[1] ?? `${name}.tgz`
    refuseMore(packCommand, args, 2)
    const { catalog } = await host.get()
    await catalog.rescan()
    if (!catalog.has(name)) throw new CserviceError('UNKNOWN_VERSION', await catalog.explain(name))
    const bytes = packFolder(join(catalog.versionPath, name), goodLevel)
    if (file === asAnswer) return new ByteAnswer(`${name}.tgz`, 'application/gzip', bytes)
    if (caller.level !== 'inproc') {
      throw new CserviceError('BAD_USAGE', 'A file is made where the command is typed, not where the gateway is', {
        hint: 'cservice proxy pack <version> <file>; by REST: GET /pack?version=<version>',
      })
    }
    const path = resolve(file)
    await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(path, { flags: 'wx' }))
    return { version: name, file: path }
  },
}

export const packRoute: ByteRoute = {
  method: 'GET',
  path: '/pack',
  toWords: (query) => {
    const unknown = [...query.keys()].find((name) => name !== 'version')
    if (unknown !== undefined) throw badUsage(packCommand, `there is no parameter ${JSON.stringify(unknown)}`)
    return ['pack', query.get('version') ?? '', asAnswer]
  },
}
