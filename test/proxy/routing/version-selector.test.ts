import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeSelector } from '../../../src/proxy/routing/make-selector.ts'
import { type Route, RouteTable } from '../../../src/proxy/routing/route-table.ts'
import { type SelectableRequest, selectionOf } from '../../../src/proxy/routing/selection.ts'
import { headerOnly } from '../../../src/proxy/routing/selection-settings.ts'
import type { Pins, Selector } from '../../../src/proxy/routing/selector.ts'
import { byHeader } from '../../../src/proxy/routing/selectors/by-header.ts'
import { live } from '../../../src/proxy/routing/selectors/live.ts'
import { VersionNames } from '../../../src/proxy/routing/version-names.ts'
import { type SelectionStep, VersionSelector } from '../../../src/proxy/routing/version-selector.ts'
import { asking } from './asking.ts'

const cold: Route = { state: 'cold', attempt: 0, targets: [] }
const naming = (...versionHeaders: string[]): SelectableRequest => asking({ versionHeaders })

function selector(names: string[], live: string | null) {
  return makeSelector(headerOnly, new RouteTable({ epoch: 1, live, versions: names.map((name) => [name, cold]) }))
}

test('the header decides before the live version, and an empty one is as if absent', () => {
  const both = selector(['v1', 'v2'], 'v1')
  expect(both.select(naming('v2'))).toEqual(selectionOf('v2', 'header'))
  expect(both.select(naming())).toEqual(selectionOf('v1', 'live'))
  expect(both.select(naming(''))).toEqual(selectionOf('v1', 'live'))
  expect(selector(['v1'], null).select(naming(''))).toEqual({ error: 'NO_LIVE_VERSION' })
})

test('two version headers name no version, not even if they agree or one is empty', () => {
  for (const versionHeaders of [
    ['v1', 'v1'],
    ['v1', ''],
    ['', 'v1'],
  ]) {
    expect(selector(['v1'], 'v1').select(naming(...versionHeaders))).toEqual({ error: 'UNKNOWN_VERSION' })
  }
})

test('a name that is not in the catalog is none, whatever is live', () => {
  const names = ['../x', './v1', 'v1/../v1', '/etc/passwd', '.', '..', 'v 1', 'V1', 'ü', 'a'.repeat(10_240), 'v1\0']
  for (const name of names) {
    expect(selector(['v1'], 'v1').select(naming(name))).toEqual({ error: 'UNKNOWN_VERSION' })
  }
})

test('names of the prototype are versions only if the catalog has them', () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    expect(selector(['v1'], 'v1').select(naming(name))).toEqual({ error: 'UNKNOWN_VERSION' })
    expect(selector([name], null).select(naming(name))).toEqual(selectionOf(name, 'header'))
  }
})

test('a live version that the catalog does not have is no version', () => {
  expect(selector(['v1'], 'v2').select(naming())).toEqual({ error: 'UNKNOWN_VERSION' })
})

test('whatever a request says, what is selected is a version of the catalog, or none', () => {
  const names = ['v1', 'v2', '-', '__proto__']
  const text = fc.oneof(fc.constantFrom(...names), fc.string({ unit: fc.constantFrom(...'./\\%a1-_ \0é') }))
  fc.assert(
    fc.property(fc.array(text, { maxLength: 3 }), (versionHeaders) => {
      const selection = selector(names, 'v1').select(naming(...versionHeaders))
      if (!('error' in selection)) expect(names).toContain(selection.version)
    }),
  )
})

/** Of parts that say what they are told to. */
function withParts({ pinned = null, shared = null }: { pinned?: string | null; shared?: string | null }) {
  const pins: Pins = {
    by: 'sticky',
    read: () => pinned,
    keep: (_request, selection) => ({ ...selection, cookies: [`pin=${selection.version}`] }),
  }
  const share: Selector = { by: 'rollout', read: () => shared }
  const names = new VersionNames(['v1', 'v2', 'v3'])
  return new VersionSelector({
    names,
    access: null,
    aliases: new Map(),
    stated: [byHeader],
    pins,
    share,
    live: live('v1'),
  })
}

test('a pin comes before the share of a rollout, that before the live version, and what a request states before all', () => {
  expect(withParts({ pinned: 'v2', shared: 'v3' }).select(naming('v1'))).toMatchObject({ version: 'v1', by: 'header' })
  expect(withParts({ pinned: 'v2', shared: 'v3' }).select(naming())).toMatchObject({ version: 'v2', by: 'sticky' })
  expect(withParts({ shared: 'v3' }).select(naming())).toMatchObject({ version: 'v3', by: 'rollout' })
  expect(withParts({}).select(naming())).toMatchObject({ version: 'v1', by: 'live' })
})

test('a client may be held to what it got by pin, rollout or for being live, never to what a request stated', () => {
  expect(withParts({ pinned: 'v2' }).select(naming())).toMatchObject({ cookies: ['pin=v2'] })
  expect(withParts({ shared: 'v3' }).select(naming())).toMatchObject({ cookies: ['pin=v3'] })
  expect(withParts({}).select(naming())).toMatchObject({ cookies: ['pin=v1'] })
  expect(withParts({}).select(naming('v2'))).toMatchObject({ cookies: [] })
})

test('whoever wants to know is told of every selector that was asked', () => {
  const steps: SelectionStep[] = []
  withParts({ shared: 'v3' }).select(naming(), (step) => steps.push(step))
  expect(steps).toEqual([
    { selector: 'header', found: null, result: null },
    { selector: 'sticky', found: null, result: null },
    { selector: 'rollout', found: 'v3', result: 'v3' },
  ])
  steps.length = 0
  withParts({}).select(naming('v9'), (step) => steps.push(step))
  expect(steps).toEqual([{ selector: 'header', found: 'v9', result: 'UNKNOWN_VERSION' }])
})
