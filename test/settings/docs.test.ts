import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
// @ts-expect-error a plain script without types
import { renderServiceDocs } from '../../scripts/generate-docs.mjs'
import { declareOptions } from '../../src/cli/options.ts'
import * as schema from '../../src/settings/schema.ts'
import { entryOptionNames } from '../../src/supervisor/plain/make-entry.ts'

const root = join(import.meta.dirname, '../..')

describe('the documentation of the configuration of a service', () => {
  it.each(Object.entries(renderServiceDocs(schema)))(
    '%s says what the schema says (npm run build && npm run docs)',
    async (file, content) => {
      expect(await readFile(join(root, file), 'utf8')).toBe(content)
    },
  )

  it('describes every key', () => {
    for (const { shape } of [schema.settingsSchema, schema.workerSchema]) {
      for (const value of Object.values(shape)) expect(value.description).toMatch(/\.$/)
    }
  })

  it('has the keys of a worker that entries are made of', () => {
    const {
      timeout: _timeout,
      type: _type,
      ...names
    } = Object.fromEntries(entryOptionNames.map((name) => [name, true]))
    expect(Object.keys(schema.workerSchema.shape).sort()).toEqual(Object.keys(names).sort())
  })

  it('has every key but args on the command line as well', () => {
    const typed = declareOptions().options.map((option) => option.attributeName())
    const { $schema: _schema, args: _args, ...keys } = schema.settingsSchema.shape
    expect(typed).toEqual(expect.arrayContaining(Object.keys(keys)))
  })
})
