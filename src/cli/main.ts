import { fstatSync } from 'node:fs'
import { CserviceError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { knownCommands } from './known-commands.ts'
import { type GivenOptions, type Options, withAddress } from './options.ts'
import { Output } from './output.ts'
import { accessKeyVariable, type Invocation, parseArguments, passphraseVariable, wantsJson } from './parse-arguments.ts'
import { withProgress } from './progress.ts'
import { isProxyStart, proxyStartOptions } from './proxy-start.ts'
import { runRemotely } from './remote-command.ts'
import type { Parts } from './running-service.ts'

/** How long a service may take to say that it is there, before a person at a terminal gets the help instead. */
const recognitionMs = 3_000

/**
 * `cservice`: runs a command in the service that runs, or starts one.
 * @param argv without the program itself
 * @returns the exit code
 */
export async function main(argv: readonly string[], parts: Parts = {}): Promise<number> {
  const output = new Output('cservice', wantsJson(argv))
  try {
    const invocation = parseArguments(argv, process.env)
    // Workers inherit the environment, and a secret is nobody's business there.
    for (const name of [accessKeyVariable, passphraseVariable]) delete process.env[name]
    return await carryOut(invocation, output, parts)
  } catch (error) {
    return await output.failure(error)
  }
}

async function carryOut(invocation: Invocation, output: Output, parts: Parts): Promise<number> {
  const { options, given } = invocation
  switch (invocation.kind) {
    case 'service':
      return await startService(given, options, output, parts)
    case 'command':
      return await runCommand(invocation.words, given, options, output, parts)
    case 'version':
      return await showVersion(output)
    case 'help':
      return await showHelp(true, output)
    case 'nothing':
      return (await attachIfRunning(await toAddress(given, options), output, parts)) ?? (await showHelp(false, output))
  }
}

async function startService(given: GivenOptions, options: Options, output: Output, parts: Parts): Promise<number> {
  const { runService } = await import('./run-service.ts')
  return await runService(given, options, output, parts)
}

async function runCommand(
  words: readonly string[],
  given: GivenOptions,
  options: Options,
  output: Output,
  parts: Parts,
): Promise<number> {
  if (words[0] === 'doctor') {
    const { runDoctor } = await import('./doctor.ts')
    return await runDoctor(words, await toAddress(given, options), output)
  }
  const start = isProxyStart(words) ? proxyStartOptions(words, given) : null
  try {
    const address = await toAddress(given, options)
    await output.answer(words, await withProgress((onProgress) => runRemotely(words, address, onProgress)))
    return 0
  } catch (error) {
    if (words[0] === 'help') return await showOfflineHelp(words[1], output)
    if (!isNoGateway(error)) throw error
    if (start === null) throw explainUnknown(words, error)
  }
  return await startService(start, options, output, parts)
}

/** A configuration file may say where the service is. */
async function toAddress(given: GivenOptions, options: Options): Promise<Options> {
  if (given.config === undefined) return options
  const { resolveAddress } = await import('../settings/resolve-settings.ts')
  return withAddress(options, await resolveAddress(given))
}

/**
 * Without a word, a person at a terminal gets a console of the service that runs, and lines that are piped in are its
 * commands; null where there is no service.
 */
async function attachIfRunning(options: Options, output: Output, { attach }: Parts): Promise<number | null> {
  if (attach === undefined || !(output.isInteractive || isPipedIn())) return null
  try {
    await runRemotely(['version'], { ...options, timeout: recognitionMs })
  } catch (error) {
    if (isNoGateway(error)) return null
    throw error
  }
  return await attach(options, output)
}

/** Whether standard input is a pipe or a file: not a terminal, and not /dev/null. */
function isPipedIn(): boolean {
  try {
    const stats = fstatSync(0)
    return stats.isFIFO() || stats.isFile() || stats.isSocket()
  } catch {
    return false
  }
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
