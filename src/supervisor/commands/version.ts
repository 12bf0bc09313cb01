import { readFileSync } from 'node:fs'
import type { Command } from '../control/command.ts'

/** Version of this package. */
export function packageVersion(): string {
  const content = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(content) as { version: string }).version
}

export function versionCommand(): Command {
  const version = packageVersion() // read once, at the start: an installation may change under a running service
  return {
    name: 'version',
    level: 'remote',
    isVisible: true,
    help: { info: 'Returns the version of the service.', command: 'version', example: 'cservice version' },
    runsAtOnce: () => true,
    run: async () => version,
  }
}
