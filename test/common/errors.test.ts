import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
// @ts-expect-error a plain script without types
import { renderErrors } from '../../scripts/generate-docs.mjs'
import * as errors from '../../src/common/errors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const codes = errors.errorCatalogue().map(([code]) => code)

test('the error reference and the catalogue say the same', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(renderErrors(errors))
})

test('every code of the catalogue is used somewhere', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.c?ts$/.test(file) && !file.startsWith('common/error'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
  for (const code of codes)
    expect(
      sources.some((text) => text.includes(`'${code}'`)),
      code,
    ).toBe(true)
})

test('an error crosses a process boundary and is the same again', () => {
  const error = new errors.CserviceError('WORKER_FAILED', 'v2 did not start', { details: { exitCode: 7 } })
  const arrived = errors.fromErrorData(JSON.parse(JSON.stringify(error)))
  expect(arrived).toMatchObject({ code: 'WORKER_FAILED', message: 'v2 did not start', details: { exitCode: 7 } })
  expect(arrived.hint).toBe(error.hint)
})

test('a code that this version does not know becomes INTERNAL with its message kept', () => {
  expect(errors.fromErrorData({ code: 'toString', message: 'odd' })).toMatchObject({ code: 'INTERNAL', message: 'odd' })
})

test('whatever is thrown becomes an error of the catalogue', () => {
  const cause = new TypeError('boom')
  expect(errors.toCserviceError(cause)).toMatchObject({ code: 'INTERNAL', message: 'boom', cause })
  expect(errors.toCserviceError('text')).toMatchObject({ code: 'INTERNAL', message: 'text' })
})

test('an error of another copy of this package is one of ours, and of none of the classes below it', async () => {
  const copy: string = '../../src/common/errors.ts?copy'
  const { CserviceError: Other } = (await import(copy)) as typeof errors
  class Below extends errors.CserviceError {}
  expect(Other).not.toBe(errors.CserviceError)
  const error: unknown = new Other('CANCELLED')
  expect(error instanceof errors.CserviceError).toBe(true)
  expect(errors.toCserviceError(error)).toBe(error)
  expect([error instanceof Below, new Below('CANCELLED') instanceof Below]).toEqual([false, true])
  for (const value of [new Error('no'), null, 'text', {}, undefined])
    expect(value instanceof errors.CserviceError).toBe(false)
})
