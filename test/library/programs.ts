import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { place } from '../cli/programs.ts'
import { install } from '../support/install.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A folder in which `cservice` is installed, with some programs: name of a file to its text. @param isForEveryUser as a copy */
export function installed(files: Readonly<Record<string, string>>, isForEveryUser = false): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules'))
  install(join(folder, 'node_modules/cservice'), isForEveryUser)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/**
 * Programs that use the library, with a control port and a runtime directory of their own. `CONTROL_PORT` tells them the
 * port; what `say` prints is what `said` reads.
 */
export async function programs(files: Readonly<Record<string, string>>, isForEveryUser = false) {
  const folder = installed(files, isForEveryUser)
  const { port, start, run } = await place()
  const environment = { CONTROL_PORT: String(port), NODE_PATH: '' }
  return {
    folder,
    port,
    start: (name: string, extra: NodeJS.ProcessEnv = {}) => start(join(folder, name), [], { ...environment, ...extra }),
    run: (name: string, extra: NodeJS.ProcessEnv = {}) => run(join(folder, name), [], { ...environment, ...extra }),
  }
}

/** The head of a program in CommonJS. */
export const head = `
const cservice = require('cservice')
const port = Number(process.env.CONTROL_PORT)
const say = (value) => console.log(JSON.stringify(value))
const failed = (error) => ({ code: error.code, message: error.message })
`

/** What a program has said, line by line, without what its workers have. */
export function said(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !/^\S+:\d+ \| /.test(line))
    .map((line) => JSON.parse(line))
}
