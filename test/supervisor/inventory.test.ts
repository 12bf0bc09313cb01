import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../src/common/log.ts'
import { Inventory, type InventoryContent, type InventoryEntry, readInventory } from '../../src/supervisor/inventory.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const entry: InventoryEntry = {
  id: 'a-1',
  pid: 4_711,
  startTime: '99',
  tag: { kind: 'version', version: 'v1' },
  kind: 'agent',
  port: 11_000,
  host: '127.0.0.1',
  state: 'ready',
  reason: 'start',
  startedAt: 1,
  readyAt: 2,
  file: '/versions/v1/worker.js',
  cwd: '/versions/v1',
}

describe('the inventory of a supervisor', () => {
  it('can be read by the next one, and by nobody but its user', async () => {
    const directory = temporaryFolder()
    const content = { processes: [entry], notes: { gateway: { epoch: 7 } } }
    const inventory = new Inventory(directory, () => content, silentLog())
    inventory.update()
    await inventory.close(false)
    expect(readInventory(directory, silentLog())).toEqual(content)
    expect(statSync(join(directory, 'processes.json')).mode & 0o777).toBe(0o600)
  })

  it('is written with what holds at the end, however many changes there were', async () => {
    const directory = temporaryFolder()
    let asked = 0
    const inventory = new Inventory(
      directory,
      () => ({ processes: [{ ...entry, pid: 100 + ++asked }], notes: {} }),
      silentLog(),
    )
    for (let change = 0; change < 1_000; change++) inventory.update()
    await inventory.close(false)
    expect(asked).toBe(1)
    expect(readInventory(directory, silentLog()).processes[0]?.pid).toBe(101)
  })

  it('is gone when nothing is left to be taken over', async () => {
    const directory = temporaryFolder()
    const inventory = new Inventory(directory, () => ({ processes: [], notes: {} }), silentLog())
    inventory.update()
    await inventory.close(true)
    expect(() => readFileSync(join(directory, 'processes.json'))).toThrow('ENOENT')
    expect(readInventory(directory, silentLog())).toEqual({ processes: [], notes: {} })
  })

  it.each([
    ['a pid that would be a whole group', { pid: -1 }],
    ['a pid that is no number', { pid: '12' }],
    ['a state that does not exist', { state: 'exited' }],
    ['a kind that ends with its supervisor', { kind: 'cluster' }],
    ['no start time', { startTime: null }],
  ])('passes over an entry with %s', (_name, wrong) => {
    expect(read(JSON.stringify({ format: 1, processes: [{ ...entry, ...wrong }, entry], notes: {} }))).toEqual({
      processes: [entry],
      notes: {},
    })
  })

  it('is never the reason why a supervisor cannot start, whatever is in it', () => {
    const directory = temporaryFolder()
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.nat(400).map((length) => torn(length)),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const { processes, notes } = read(text, directory)
        for (const { pid } of processes) expect(pid).toBeGreaterThan(1)
        expect(notes).toBeTypeOf('object')
      }),
    )
  })
})

function read(text: string, directory = temporaryFolder()): InventoryContent {
  writeFileSync(join(directory, 'processes.json'), text)
  return readInventory(directory, silentLog())
}

function torn(length: number): string {
  return JSON.stringify({ format: 1, processes: [entry], notes: {} }).slice(0, length)
}
