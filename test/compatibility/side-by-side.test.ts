import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FieldDifference } from './compare.ts'
import { differences, isOf } from './differences.ts'
import { Pair } from './pair.ts'
import { type Section, sections } from './script.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/from-cluster-service.md', import.meta.url)), 'utf8')
const places = Object.values(differences).flat()
const found = new Map<string, readonly FieldDifference[]>()
let steps = 0
const undo: Array<() => void | Promise<void>> = []

beforeAll(async () => {
  for (const [name, run] of Object.entries<Section>(sections)) {
    const pair = await Pair.open((work) => void undo.push(work))
    try {
      await run(pair)
    } finally {
      await undoAll()
    }
    found.set(name, pair.differences)
    steps += pair.steps
  }
}, 180_000)

afterAll(undoAll)

async function undoAll(): Promise<void> {
  for (const work of undo.splice(0).reverse()) await work()
}

test.each(Object.keys(sections))(
  '%s: ours answers as cluster-service 2.1.4 does, but for differences that are known',
  (name) => {
    const unknown = found.get(name)?.filter((difference) => !places.some((place) => isOf(place, difference)))
    expect(unknown).toEqual([])
  },
)

test('the script is not empty', () => {
  expect(steps).toBeGreaterThan(150)
})

test.each(Object.keys(differences))('the difference %s occurs, in each of its places', (id) => {
  const all = [...found.values()].flat()
  expect(differences[id]?.filter((place) => !all.some((difference) => isOf(place, difference)))).toEqual([])
})

test('the page for people who migrate names every difference, and no other', () => {
  const anchors = [...page.matchAll(/<a id="([\w-]+)"><\/a>/g)].map(([, id]) => id)
  expect(anchors.toSorted()).toEqual(Object.keys(differences).toSorted())
})
