import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'jsonc-parser'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { removeValue, setValue } from '../../../src/proxy/config/edit-value.ts'
import { rewriteDefaultVersion } from '../../../src/proxy/config/rewrite-config.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cservice-rewrite-'))
  file = join(folder, 'proxy.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const layout = `// The gateway of the shop
{
\t"zebra" : [1,2 , 3], /* ours */
\t"defaultVersion":   "v1"  , // live
\t"versionPath": "versions",
}
`

describe('making a version live in proxy.json', () => {
  it('changes the one value and keeps comments, order, indentation and unknown keys', async () => {
    await writeFile(file, layout)
    await rewriteDefaultVersion(file, 'v2')
    expect(await readFile(file, 'utf8')).toBe(layout.replace('"v1"', '"v2"'))
  })

  it('keeps CRLF and a byte-order mark', async () => {
    const text = `\uFEFF${layout.replaceAll('\n', '\r\n')}`
    await writeFile(file, text)
    await rewriteDefaultVersion(file, 'v2')
    expect(await readFile(file, 'utf8')).toBe(text.replace('"v1"', '"v2"'))
  })

  it.each([
    ['{\n    "a": 1\n}\n', '{\n    "defaultVersion": "v2",\n    "a": 1\n}\n'],
    ['{\r\n\t"a": 1\r\n}', '{\r\n\t"defaultVersion": "v2",\r\n\t"a": 1\r\n}'],
    ['{ // head\n  // of a\n  "a": 1,\n}', '{ // head\n  "defaultVersion": "v2",\n  // of a\n  "a": 1,\n}'],
    ['{}', '{"defaultVersion": "v2"}'],
    ['{ }\n', '{ "defaultVersion": "v2" }\n'],
    ['{\n}\n', '{\n  "defaultVersion": "v2"\n}\n'],
    ['{"a":1}', '{"defaultVersion": "v2", "a":1}'],
    ['{ "a": 1 }', '{ "defaultVersion": "v2", "a": 1 }'],
    ['{ /* x */ "a": 1,\n  "b": 2 }', '{ "defaultVersion": "v2", /* x */ "a": 1,\n  "b": 2 }'],
  ])('adds the key to %j as one line, and undo takes it out again', async (before, after) => {
    await writeFile(file, before)
    const { undo } = await rewriteDefaultVersion(file, 'v2')
    expect(await readFile(file, 'utf8')).toBe(after)
    await undo()
    expect(await readFile(file, 'utf8')).toBe(before)
  })

  it('keeps the mode, and a link stays a link', async () => {
    await mkdir(join(folder, 'real'))
    await writeFile(join(folder, 'real', 'p.json'), layout)
    await chmod(join(folder, 'real', 'p.json'), 0o640)
    await symlink('real/p.json', file)
    await rewriteDefaultVersion(file, 'v2')
    expect((await lstat(file)).isSymbolicLink()).toBe(true)
    expect((await stat(file)).mode & 0o777).toBe(0o640)
    expect(await readFile(join(folder, 'real', 'p.json'), 'utf8')).toContain('"v2"')
    expect(await readdir(join(folder, 'real'))).toEqual(['p.json'])
  })

  it('is undone without touching what the user has changed meanwhile', async () => {
    await writeFile(file, layout)
    const { undo } = await rewriteDefaultVersion(file, 'v2')
    const edited = (await readFile(file, 'utf8')).replace('[1,2 , 3]', '"mine"')
    await writeFile(file, edited)
    await undo()
    expect(await readFile(file, 'utf8')).toBe(edited.replace('"v2"', '"v1"'))
  })

  it('is not undone over a version that the user has set meanwhile', async () => {
    await writeFile(file, layout)
    const { undo } = await rewriteDefaultVersion(file, 'v2')
    await writeFile(file, layout.replace('"v1"', '"v3"'))
    await undo()
    expect(await readFile(file, 'utf8')).toBe(layout.replace('"v1"', '"v3"'))
  })

  it('undoes an added key that the user has moved meanwhile', async () => {
    await writeFile(file, '{\n  "a": 1\n}\n')
    const { undo } = await rewriteDefaultVersion(file, 'v2')
    await writeFile(file, '{\n  "a": 1, // one\n  "defaultVersion": "v2"\n}\n')
    await undo()
    expect(await readFile(file, 'utf8')).toBe('{\n  "a": 1 // one\n}\n')
  })

  it('puts null back where null was', async () => {
    await writeFile(file, '{ "defaultVersion": null }')
    const { undo } = await rewriteDefaultVersion(file, 'v2')
    await undo()
    expect(await readFile(file, 'utf8')).toBe('{ "defaultVersion": null }')
  })

  it.each([
    ['a fault of the syntax', '{ "a": 1 "b": 2 }'],
    ['the key twice', '{ "defaultVersion": "a", "defaultVersion": "b" }'],
    ['no object', '[]'],
    ['nothing', ''],
  ])('refuses a file with %s and leaves it as it is', async (_, text) => {
    await writeFile(file, text)
    await expect(rewriteDefaultVersion(file, 'v2')).rejects.toMatchObject({
      code: 'CONFIG_WRITE_FAILED',
      message: expect.stringContaining(file),
      cause: expect.any(Error),
    })
    expect(await readFile(file, 'utf8')).toBe(text)
    expect(await readdir(folder)).toEqual(['proxy.json'])
  })

  it('fails with the reason when the file is gone, and creates none', async () => {
    await expect(rewriteDefaultVersion(file, 'v2')).rejects.toMatchObject({
      code: 'CONFIG_WRITE_FAILED',
      details: { file },
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves the file and no temporary one when it cannot be replaced', async () => {
    // A name so long that the temporary file, which is named after it, cannot be created: fails for root, too.
    file = join(folder, `${'p'.repeat(250)}.json`.slice(-250))
    await writeFile(file, layout)
    await expect(rewriteDefaultVersion(file, 'v2')).rejects.toMatchObject({
      code: 'CONFIG_WRITE_FAILED',
      cause: expect.any(Error),
    })
    expect(await readFile(file, 'utf8')).toBe(layout)
    expect(await readdir(folder)).toHaveLength(1)
  })
})

describe('for any document with comments', () => {
  const blanks = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '  ', ' // note, {"x": 1}\n', '/* a "b": , */', '\n  ')
  const keys = fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom('defaultVersion', 'bindings', '__proto__', 'a')), {
    maxLength: 6,
  })
  const documents = keys.chain((names) =>
    fc
      .tuple(
        fc.array(fc.tuple(fc.jsonValue(), blanks, blanks, blanks, blanks), {
          minLength: names.length,
          maxLength: names.length,
        }),
        blanks,
        blanks,
        fc.boolean(),
      )
      .map(([values, head, tail, hasTrailingComma]) => {
        const properties = values.map(([value, a, b, c, d], index) => {
          const json = names[index] === 'defaultVersion' ? '"v1"' : JSON.stringify(value)
          return `${a}${JSON.stringify(names[index])}${b}:${c}${json}${d}`
        })
        const comma = hasTrailingComma && names.length > 0 ? ',' : ''
        return { names, text: `${head}{${properties.join(',')}${comma}${tail}}${head}` }
      }),
  )
  const read = (text: string): unknown => parse(text, [], { allowTrailingComma: true })
  const without = (value: unknown): unknown => {
    const { defaultVersion: _, ...rest } = value as Record<string, unknown>
    return rest
  }

  it('only the one value changes', () => {
    fc.assert(
      fc.property(documents, fc.stringMatching(/^[a-z0-9._-]{1,9}$/), ({ names, text }, version) => {
        const after = setValue(text, 'defaultVersion', version)
        expect(read(after)).toMatchObject({ defaultVersion: version })
        expect(without(read(after))).toEqual(without(read(text)))
        if (names.includes('defaultVersion')) {
          // All but the value is the same, byte for byte.
          expect(setValue(after, 'defaultVersion', 'v1')).toBe(text)
          expect(after.length - text.length).toBe(version.length - 'v1'.length)
        } else {
          // What was there is all still there, around one insertion.
          const at = [...text].findIndex(
            (_, index) =>
              text.slice(index) === after.slice(after.length - (text.length - index)) &&
              text.slice(0, index) === after.slice(0, index),
          )
          expect(at).toBeGreaterThan(0)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('taking the key out leaves all the others, and adding it to what is left works', () => {
    fc.assert(
      fc.property(documents, ({ text }) => {
        const after = removeValue(text, 'defaultVersion')
        const errors: [] = []
        expect(parse(after, errors, { allowTrailingComma: true })).toEqual(without(read(text)))
        expect(errors).toEqual([])
        expect(removeValue(setValue(after, 'defaultVersion', 'v9'), 'defaultVersion').length).toBeGreaterThanOrEqual(2)
      }),
      { numRuns: 500 },
    )
  })
})
