import type { Cservice } from './cservice.ts'
import type { StartOptions } from './options.ts'

type Output = Pick<Cservice, 'log' | 'error' | 'debug' | 'results'>

/**
 * `log`, `error`, `debug` and `results`. The first three go to the functions that the program has given; where it has not,
 * to the console of Node, and only if the service has one (`cli`).
 */
export function createOutput(getOptions: () => StartOptions): Output {
  const print = (name: 'log' | 'error' | 'debug', isWanted: boolean, values: readonly unknown[]) => {
    const options = getOptions()
    const given = options[name]
    if (typeof given === 'function') given(...values)
    // biome-ignore lint/suspicious/noConsole: this is what the program asks for
    else if (given === undefined && (isWanted || options.cli === true)) console[name](...values)
  }
  return {
    log: (...values) => print('log', false, values),
    error: (...values) => print('error', false, values),
    debug: (...values) => print('debug', false, values),
    results: (...values) => print('log', true, values),
  }
}
