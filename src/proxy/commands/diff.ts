import { CserviceError } from '../../common/errors.ts'
import { diffVersions } from '../diff/diff-versions.ts'
import { refuseMore, requireWord } from './arguments.ts'
import type { Subcommand } from './subcommand.ts'
import { takeOptions } from './take-options.ts'

export const diffCommand: Subcommand = {
  name: 'diff',
  usage: 'proxy diff <version> <other>',
  help: {
    info: 'Shows what differs between two versions: files added, removed and changed, by content, and dependencies of package.json.',
    version: 'Required. The one to start from.',
    other: 'Required. The one to compare it with.',
    example: 'cservice proxy diff v3 v4',
  },
  async run(args, host) {
    const { words } = takeOptions(diffCommand, args, {})
    const from = requireWord(diffCommand, words, 0, 'the version')
    const to = requireWord(diffCommand, words, 1, 'the version to compare with')
    refuseMore(diffCommand, words, 2)
    const { catalog } = await host.get()
    await catalog.rescan()
    // Only what the catalog knows becomes a path.
    for (const name of [from, to])
      if (!catalog.has(name)) throw new CserviceError('UNKNOWN_VERSION', await catalog.explain(name))
    return await diffVersions(catalog.versionPath, from, to)
  },
}
