import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
// @ts-expect-error a plain script without types
import { renderDocs } from '../../../scripts/generate-docs.mjs'
import * as bindings from '../../../src/proxy/config/binding-schema.ts'
import { parseConfig } from '../../../src/proxy/config/load-config.ts'
import * as schema from '../../../src/proxy/config/schema.ts'

const root = join(import.meta.dirname, '../../..')

/** What some members of the configuration are gathered from. */
const keysOf: Readonly<Record<string, readonly string[]>> = {
  selection: ['aliases', 'versionQuery', 'versionCookie', 'versionHost', 'versionPathPrefix'],
  access: ['onDemand', 'previewKey'],
}

describe('the documentation of proxy.json', () => {
  it.each(Object.entries(renderDocs(schema)))(
    '%s says what the schema says (npm run build && npm run docs)',
    async (file, content) => {
      expect(await readFile(join(root, file), 'utf8')).toBe(content)
    },
  )

  it('describes every key, and every key of the configuration is in the schema', () => {
    const shapes = [schema.configSchema.shape, bindings.bindingSchema.shape]
    for (const shape of shapes) for (const value of Object.values(shape)) expect(value.description).toMatch(/\.$/)
    const { file: _file, raw: _raw, release, ...rest } = parseConfig('{}', '/proxy.json').config
    const config = { ...rest, ...release }
    const { $schema: _schema, ...shape } = schema.configSchema.shape
    const gathered = Object.keys(config).flatMap((key) => keysOf[key] ?? [key])
    expect(Object.keys(shape).sort()).toEqual(gathered.sort())
    expect(Object.keys(bindings.bindingSchema.shape).sort()).toEqual(Object.keys(config.bindings[0] ?? {}).sort())
  })
})
