import { CserviceError } from '../common/errors.ts'
import { nearest } from '../supervisor/control/nearest.ts'
import { knownCommands } from './known-commands.ts'
import type { Options } from './options.ts'
import { Output } from './output.ts'
import { accessKeyVariable, parseArguments, wantsJson } from './parse-arguments.ts'
import { daemonVariable } from './readiness.ts'
import { isProxyStart, runRemotely } from './remote-command.ts'
import type { StartService } from './run-service.ts'

/**
 * `cservice`: runs a command in the gateway that runs, or starts one.
 * @param argv without the program itself
 * @param start what starts a service where none runs; the one of service.ts, if not given
 * @returns the exit code
 */
export async function main(argv: readonly string[], start?: StartService): Promise<number> {
  const output = new Output('cservice', wantsJson(argv))
  try {
    const { options, ...invocation } = parseArguments(argv, process.env)
    delete process.env[accessKeyVariable] // workers inherit the environment
    if (invocation.kind === 'command') return await runCommand(invocation.words, options, output, start)
    if (invocation.kind === 'version') return await showVersion(output)
    return await showHelp(invocation.kind === 'help', output)
  } catch (error) {
    return await output.failure(error)
  }
}

async function runCommand(
  words: readonly string[],
  options: Options,
  output: Output,
  start?: StartService,
): Promise<number> {
  if (isProxyStart(words) && words.length < 3) {
    throw new CserviceError('BAD_USAGE', 'proxy start needs the path of a configuration', {
      hint: 'cservice proxy start proxy.json',
    })
  }
  const mayStart = isProxyStart(words)
  if (!(mayStart && process.env[daemonVariable] !== undefined)) {
    try {
      await output.answer(words, await runRemotely(words, options))
      return 0
    } catch (error) {
      if (words[0] === 'help') return await showOfflineHelp(words[1], output)
      if (!isNoGateway(error)) throw error
      if (!mayStart) throw explainUnknown(words, error)
    }
  }
  const { runService } = await import('./run-service.ts')
  return await runService(words, options, output, start)
}

function isNoGateway(error: unknown): error is CserviceError {
  return error instanceof CserviceError && error.code === 'NO_GATEWAY'
}

/** A gateway may have commands of its own; where there is none to ask, a word that we do not know is a mistake. */
function explainUnknown(words: readonly string[], error: CserviceError): CserviceError {
  const [name = ''] = words
  if (knownCommands.includes(name)) return error
  const meant = nearest(name, knownCommands)
  const hint =
    meant === null
      ? undefined
      : `Did you mean "${[meant, ...words.slice(1)].join(' ')}"? cservice help lists the commands.`
  return new CserviceError('UNKNOWN_COMMAND', `No such command: ${name}`, hint === undefined ? {} : { hint })
}

async function showVersion(output: Output): Promise<number> {
  const { packageVersion } = await import('../supervisor/commands/version.ts')
  await output.answer([], packageVersion())
  return 0
}

async function showHelp(isWanted: boolean, output: Output): Promise<number> {
  if (!isWanted && output.isJson)
    throw new CserviceError('BAD_USAGE', 'No command was given', { hint: 'cservice --help' })
  const { staticHelp } = await import('./help.ts')
  if (!isWanted) process.stderr.write(`${staticHelp()}\n`)
  else await output.answer([], staticHelp())
  return isWanted ? 0 : 2
}

/** `help` without a gateway to ask. */
async function showOfflineHelp(name: string | undefined, output: Output): Promise<number> {
  const { staticHelp, staticHelpOf } = await import('./help.ts')
  const text = name === undefined ? staticHelp() : staticHelpOf(name)
  if (text === null) throw explainUnknown([name ?? ''], new CserviceError('UNKNOWN_COMMAND'))
  await output.answer([], text)
  return 0
}
