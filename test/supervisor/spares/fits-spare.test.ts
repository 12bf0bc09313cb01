import { describe, expect, it } from 'vitest'
import type { Launch } from '../../../src/supervisor/launch.ts'
import { allowsSpares, fitsSpare } from '../../../src/supervisor/spares/fits-spare.ts'

const launch: Launch = { file: '/v1/worker.js', kind: 'agent', mayBeSpare: true, cwd: '/v1', env: {}, waitsFor: '' }
const booted = { PATH: '/bin', HOME: '/root', NODE_ENV: 'production' }

describe('a launch fits a spare', () => {
  it('when it is a program of the user in Node whose environment differs only in what programs read themselves', () => {
    expect(fitsSpare(launch, booted, booted)).toBe(true)
    expect(fitsSpare(launch, { ...booted, PROXY_PORT: '1', PATH: '/other' }, booted)).toBe(true)
  })

  it.each<[string, Partial<Launch>]>([
    ['does not allow it', { mayBeSpare: false }],
    ['is no program in Node', { kind: 'program' }],
    ['is one of node:cluster', { kind: 'cluster' }],
    ['is one of ours', { kind: 'own' }],
    ['runs as another user', { uid: 1 }],
    ['runs as another group', { gid: 1 }],
    ['inherits descriptors', { descriptors: [7] }],
  ])('not when it %s', (_name, more) => {
    expect(fitsSpare({ ...launch, ...more }, booted, booted)).toBe(false)
  })

  it.each([
    'NODE_OPTIONS',
    'NODE_ENV',
    'NODE_PATH',
    'NODE_EXTRA_CA_CERTS',
    'UV_THREADPOOL_SIZE',
    'LD_PRELOAD',
    'TZ',
    'LANG',
    'HOME',
    'OPENSSL_CONF',
  ])('not when %s is another one, is new, or is gone', (name) => {
    expect(fitsSpare(launch, { ...booted, [name]: 'other' }, booted)).toBe(false)
    expect(fitsSpare(launch, booted, { ...booted, [name]: 'other' })).toBe(false)
  })
})

describe('spares are kept', () => {
  it.each([
    undefined,
    '',
    ' ',
    '--max-old-space-size=4096',
    '--enable-source-maps --no-warnings',
    '--max_semi_space_size=64',
  ])('with NODE_OPTIONS %j, which run nothing', (options) => {
    expect(allowsSpares(options === undefined ? {} : { NODE_OPTIONS: options })).toBe(true)
  })

  it.each([
    '--require ./apm.js',
    '-r dotenv/config',
    '--import=./x.mjs',
    '--no-warnings --loader=x',
    '--inspect',
    '--cpu-prof',
    '--max-old-space-size=1 --require "x y"',
    '--env-file=.env',
    '--title=x',
  ])('not with NODE_OPTIONS %j', (options) => {
    expect(allowsSpares({ NODE_OPTIONS: options })).toBe(false)
  })
})
