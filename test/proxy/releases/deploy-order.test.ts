import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseArguments } from '../../../src/cli/parse-arguments.ts'
import {
  type DeployOrder,
  deployWordsOf,
  parseDeployWords,
  toDeployQuery,
} from '../../../src/proxy/releases/deploy-order.ts'

const nothing: DeployOrder = { source: 'a.tgz', as: null, promote: null, sha256: null, isDryRun: false }
const digest = 'ab'.repeat(32)

describe('the words of proxy deploy', () => {
  it.each<[string, Partial<DeployOrder>]>([
    ['a.tgz', {}],
    ['a.tgz --as v7', { as: 'v7' }],
    ['--as=7 a.tgz', { as: '7' }],
    ['a.tgz --promote', { promote: 'default' }],
    ['a.tgz --promote 4', { promote: 4 }],
    ['--promote a.tgz', { promote: 'default' }],
    [`a.tgz --sha256 ${digest.toUpperCase()} --dry-run`, { sha256: digest, isDryRun: true }],
    ['a.tgz --dryRun=false', {}],
  ])('%s', (line, order) => {
    expect(parseDeployWords(line.split(' '))).toEqual({ ...nothing, ...order })
  })

  it.each([
    ['', /the source is missing/],
    ['a.tgz b.tgz', /"b.tgz" is one word too many/],
    ['a.tgz --as', /--as needs the name/],
    ['a.tgz --as --promote', /--as needs the name/],
    ['a.tgz --as= --promote', /--as needs the name/],
    ['a.tgz --as .staging', /cannot be a version name/],
    ['a.tgz --as ../x', /"..\/x" cannot be a version name/],
    ['a.tgz --promote 0', /from 1 to 1000/],
    ['a.tgz --sha256 12', /64 hexadecimal digits/],
    ['a.tgz --force', /there is no option --force/],
  ])('%s is refused', (line, why) => {
    expect(() => parseDeployWords(line.split(' ').filter(Boolean))).toThrow(why)
  })

  it('options of ours and of the command line stand side by side', () => {
    const line = 'proxy deploy a.tgz --as v7 --json --promote 2 --port 12000 --dry-run'
    const invocation = parseArguments(line.split(' '))
    expect(invocation).toMatchObject({
      kind: 'command',
      words: ['proxy', 'deploy', 'a.tgz', '--as', 'v7', '--promote', '2', '--dry-run'],
      options: { json: true, port: 12000 },
    })
  })
})

it('a query says the same as the words', () => {
  const order = fc.record({
    source: fc.constantFrom('a.tgz', 'ä & b.tar', '-'),
    as: fc.constantFrom(null, 'v7', '7', '--x'.slice(1)),
    promote: fc.constantFrom(null, 'default' as const, 3),
    sha256: fc.constantFrom(null, digest),
    isDryRun: fc.boolean(),
  })
  fc.assert(
    fc.property(order, (given) => {
      const query = toDeployQuery(given, given.source === '-' ? null : given.source)
      expect(parseDeployWords(deployWordsOf(new URLSearchParams(query.toString())))).toEqual(given)
    }),
  )
  expect(() => deployWordsOf(new URLSearchParams('force=1'))).toThrow(/no parameter "force"/)
})
