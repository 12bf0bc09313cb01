import { describe, expect, it } from 'vitest'
// @ts-expect-error a plain script without types
import { Samples } from '../../bench/compare.mjs'
// @ts-expect-error a plain script without types
import { targetRows } from '../../bench/targets.mjs'

describe('the table of targets', () => {
  it('says of each whether it is met, is not, or was not measured', () => {
    const fast = { id: 'fast' }
    const nginx = { id: 'nginx' }
    const samples = new Samples([fast, nginx])
    samples.add(fast, { rate: 95, cpu: 20 })
    samples.add(nginx, { rate: 100, cpu: 10 })
    const rows: string[][] = targetRows([{ key: 'peers.near-free', samples }])
    const of = (name: string) => rows.find(([title]) => title === name)?.slice(1)
    expect(of('requests/s, fast lane, near-free backend: × nginx')).toEqual(['≥ 0.8', '0.95', 'met'])
    expect(of('CPU time a request, near-free backend: × nginx')).toEqual(['≤ 1.35', '2.00', 'NOT met'])
    expect(of('requests/s, fast lane, Node worker: × nginx')).toEqual(['≥ 1', '–', 'not measured'])
  })
})
