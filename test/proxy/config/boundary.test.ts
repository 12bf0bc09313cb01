import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'

const source = join(import.meta.dirname, '../../../src')

it('zod is imported by the schemas alone, and neither a proxy process nor a one-shot client reaches it but by import()', async () => {
  const { files, importers, reaching } = await readImports('zod')
  expect(importers.filter((name) => !/^(proxy\/config\/([a-z]+-)?|settings\/)schema\.ts$/.test(name))).toEqual([
    'common/config/checks.ts',
  ])
  const light = files.filter((name) =>
    /^(common\/(?!config\/)|supervisor\/|cli\/|proxy\/(dataplane|routing)\/)/.test(name),
  )
  expect(light.length).toBeGreaterThan(2)
  expect(light.filter((name) => reaching.has(name))).toEqual([])
})

it('node-forge is loaded only where a local certificate is made', async () => {
  const { importers, reaching } = await readImports('node-forge')
  expect(importers).toEqual(['proxy/certificates/issue-certificate.ts'])
  expect([...reaching]).toEqual(importers)
})

/** Which files of the source import a module themselves, and which reach it by static imports. */
async function readImports(module: string) {
  const files = (await readdir(source, { recursive: true })).filter((name) => /\.c?ts$/.test(name)).sort()
  const imports = new Map<string, string[]>()
  for (const name of files) {
    const text = await readFile(join(source, name), 'utf8')
    const found = [...text.matchAll(/^(?:import|export) (?!type )(?:[^'"()=]*? from )?['"]([^'"]+)['"]/gms)].map(
      (match) => String(match[1]),
    )
    imports.set(
      name,
      found.map((target) => (target.startsWith('.') ? relative(source, join(source, dirname(name), target)) : target)),
    )
  }
  const reaches = (name: string, seen = new Set<string>()): boolean => {
    if (name === module) return true
    if (seen.has(name)) return false
    seen.add(name)
    return (imports.get(name) ?? []).some((target) => reaches(target, seen))
  }
  const importers = files.filter((name) => imports.get(name)?.includes(module))
  return { files, importers, reaching: new Set(files.filter((name) => reaches(name))) }
}
