import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
// @ts-expect-error a plain script without types
import * as script from '../../scripts/sbom.mjs'

interface Component {
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly hashes?: ReadonlyArray<{ readonly content: string }>
}

const packages: ReadonlyArray<{ readonly name: string; readonly license: string | null }> = script.runtimePackages()
const bill: { readonly components: readonly Component[] } = script.sbom()

/** Licences that let everybody use, change and pass on what is under them, with no duty but to keep the notice. */
const allowed = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD']
/** Of a choice, one is enough. */
const choices = new Map([['(BSD-3-Clause OR GPL-2.0)', 'BSD-3-Clause']])

test('everything that is installed with the package has a licence that is allowed', () => {
  const others = packages.filter(({ license }) => !allowed.includes(choices.get(license ?? '') ?? license ?? ''))
  expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
})

test('the bill of materials has every dependency of package.json with its digest, and says from where nothing comes', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const versions = Object.fromEntries(bill.components.map(({ name, version }) => [name, version]))
  expect(versions).toMatchObject(dependencies)
  for (const { hashes, purl } of bill.components) {
    expect(hashes?.[0]?.content, purl).toMatch(/^[0-9a-f]{128}$/)
  }
  expect(JSON.stringify(bill)).not.toMatch(/https?:/)
})
