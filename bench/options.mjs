import { parseArgs } from 'node:util'

const numbers = ['rounds', 'seconds', 'connections', 'restarts', 'times']

/**
 * The command line: names of suites, `--smoke` (a few seconds in all, for CI), `--only a,b` (contenders), numbers that
 * replace those of the suites, `--write` (bench/RESULTS.md), `--install-peers`.
 * @throws Error that says what is allowed
 */
export function readOptions(suiteNames) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      smoke: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      'install-peers': { type: 'boolean', default: false },
      only: { type: 'string' },
      ...Object.fromEntries(numbers.map((name) => [name, { type: 'string' }])),
    },
  })
  const unknown = positionals.find((name) => !suiteNames.includes(name))
  if (unknown !== undefined) throw new Error(`${unknown}: no such suite; there are ${suiteNames.join(', ')}`)
  if (values.smoke && values.write) throw new Error('--write: not with --smoke, whose figures mean nothing')
  if (values.write && (positionals.length > 0 || values.only !== undefined)) {
    throw new Error('--write: the page is that of a full run; leave out the suites and --only')
  }
  return {
    suites: positionals.length === 0 ? suiteNames : positionals,
    isSmoke: values.smoke,
    isWritten: values.write,
    installsPeers: values['install-peers'],
    only: values.only?.split(',') ?? null,
    given: Object.fromEntries(numbers.flatMap((name) => numberOf(name, values[name]))),
  }
}

function numberOf(name, text) {
  if (text === undefined) return []
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name}: a number above 0, not ${text}`)
  return [[name, number]]
}
