import { CserviceError } from '../common/errors.ts'
import type { GivenOptions } from './options.ts'

/** The line that starts a service with a proxy where none runs. */
export function isProxyStart(words: readonly string[]): boolean {
  return words[0] === 'proxy' && words[1] === 'start'
}

/**
 * The options of the service that `proxy start <path>` starts.
 * @throws CserviceError BAD_USAGE: there is no path, or more than one
 */
export function proxyStartOptions(words: readonly string[], given: GivenOptions): GivenOptions {
  const [, , path, surplus] = words
  if (path === undefined) throw usage('proxy start needs the path of a configuration')
  if (surplus !== undefined) throw usage(`proxy start takes one path, and not ${surplus} as well`)
  if (given.proxy !== undefined) throw usage('proxy start names the configuration already: --proxy is one too many')
  return { ...given, proxy: path }
}

function usage(message: string): CserviceError {
  return new CserviceError('BAD_USAGE', message, { hint: 'cservice proxy start proxy.json' })
}
