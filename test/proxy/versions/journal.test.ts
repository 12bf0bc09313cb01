import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import { Journal, type JournalEntry, type JournalLimits } from '../../../src/proxy/versions/journal.ts'
import { readLinesBackwards } from '../../../src/proxy/versions/read-lines-backwards.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

describe('the journal', () => {
  it('gives back the last entries that are wanted, newest first', async () => {
    const journal = makeJournal()
    for (const version of ['v1', 'v2', 'v1', 'v3']) await journal.append(entry(version))
    expect(versionsOf(await journal.last(3))).toEqual(['v3', 'v1', 'v2'])
    expect(versionsOf(await journal.last(1, ({ version }) => version === 'v1'))).toEqual(['v1'])
    expect(await journal.last(9, ({ version }) => version === 'v9')).toEqual([])
  })

  it('has no entries where there is no file', async () => {
    expect(await makeJournal().last(5)).toEqual([])
  })

  it('cut at any byte, has every line before the cut and none that was never written, and takes the next entry whole', async () => {
    const folder = temporaryFolder()
    const versions = fc.array(fc.constantFrom('v1', 'zwölf', '€', '"}{\n'), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(versions, fc.double({ min: 0, max: 1, noNaN: true }), async (written, share) => {
        const journal = makeJournal(undefined, mkdtempSync(join(folder, 'cut-')))
        for (const version of written) await journal.append(entry(version))
        const bytes = readFileSync(journal.file)
        const cut = Math.round(bytes.length * share)
        writeFileSync(journal.file, bytes.subarray(0, cut))
        // A line that lacks nothing but its line feed is whole.
        const wholeLines = [...bytes.keys()].filter((index) => bytes[index] === 0x0a && cut >= index).length
        const expected = written.slice(0, wholeLines).reverse()
        expect(versionsOf(await journal.last(10))).toEqual(expected)
        await journal.append(entry('after'))
        expect(versionsOf(await journal.last(10))).toEqual(['after', ...expected])
      }),
      { numRuns: 50 },
    )
  })

  it('passes over whatever is no entry, such as the zeros that a loss of power leaves', async () => {
    const journal = makeJournal()
    await journal.append(entry('v1'))
    appendFileSync(journal.file, Buffer.alloc(300))
    await journal.append(entry('v2'))
    appendFileSync(journal.file, 'null\n[]\n7\n{"at":"x"}\n\n')
    await journal.append(entry('v3'))
    expect(versionsOf(await journal.last(10))).toEqual(['v3', 'v2', 'v1'])
  })

  it('puts full files aside, reads on in them, and keeps no more than it may', async () => {
    const journal = makeJournal({ fileSize: 400, fullFiles: 2 })
    const versions = Array.from({ length: 40 }, (_, index) => `v${index}`)
    for (const version of versions) await journal.append(entry(version))
    const files = readdirSync(dirname(journal.file)).sort()
    expect(files).toEqual(['journal.1.jsonl', 'journal.2.jsonl', 'journal.jsonl'])
    for (const file of files) expect(statSync(join(dirname(journal.file), file)).size).toBeLessThan(800)
    const kept = versionsOf(await journal.last(100))
    expect(kept.length).toBeGreaterThan(4)
    expect(kept).toEqual(versions.toReversed().slice(0, kept.length))
  })

  it('is no reason to fail where it cannot be written, and still tells of the entry', async () => {
    const journal = makeJournal()
    writeFileSync(dirname(journal.file), 'a file in the place of the folder')
    const told: unknown[] = []
    journal.on('appended', ({ version }) => told.push(version))
    await journal.append(entry('v1'))
    expect(told).toEqual(['v1'])
    expect(await journal.last(1)).toEqual([])
    expect(existsSync(journal.file)).toBe(false)
  })

  it('writes entries that come at once one after the other', async () => {
    const journal = makeJournal({ fileSize: 2_000, fullFiles: 4 })
    const versions = Array.from({ length: 25 }, (_, index) => `v${index}`)
    await Promise.all(versions.map((version) => journal.append(entry(version))))
    expect(versionsOf(await journal.last(100))).toEqual(versions.toReversed())
  })
})

it('the lines of a file read backwards are those of the file, whatever the size of a block', async () => {
  const file = join(temporaryFolder(), 'lines')
  const piece = fc.constantFrom('\n', 'a', 'ß', '€', 'line', '\r', '\0')
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), async (pieces, block) => {
      const text = pieces.join('')
      writeFileSync(file, text)
      const lines: string[] = []
      for await (const line of readLinesBackwards(file, block)) lines.push(line)
      expect(lines.reverse()).toEqual(text.split('\n').filter((line) => line !== ''))
    }),
    { numRuns: 60 },
  )
})

it('a line that is too long to be ours is passed over, and those around it are not', async () => {
  const file = join(temporaryFolder(), 'lines')
  writeFileSync(file, `first\n${'x'.repeat(1_500_000)}\nlast`)
  const lines: string[] = []
  for await (const line of readLinesBackwards(file)) lines.push(line)
  expect(lines).toEqual(['last', 'first'])
})

function makeJournal(limits?: JournalLimits, folder = temporaryFolder()): Journal {
  return new Journal(join(folder, 'proxy.json'), silentLog(), limits)
}

function entry(version: string, details?: Record<string, unknown>): JournalEntry {
  return { action: 'promote', version, by: 'somebody', result: 'done', durationMs: 1, ...(details ? { details } : {}) }
}

function versionsOf(entries: ReadonlyArray<{ version: string | null }>): Array<string | null> {
  return entries.map(({ version }) => version)
}
