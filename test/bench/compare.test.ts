import { describe, expect, it } from 'vitest'
// @ts-expect-error a plain script without types
import { compare } from '../../bench/compare.mjs'
// @ts-expect-error a plain script without types
import { loadTable } from '../../bench/suites/load-table.mjs'
// @ts-expect-error a plain script without types
import { markdownTable, table } from '../../bench/table.mjs'

const contenders = ['ours', 'nginx', 'caddy'].map((id) => ({
  id,
  name: id,
  pids: () => [process.pid],
  isPeer: id !== 'ours',
}))

describe('a comparison', () => {
  it('measures everybody once a round, and begins each round with somebody else', async () => {
    const order: string[] = []
    const measure = async ({ id }: { id: string }) => {
      order.push(id)
      return { requests: 1, seconds: 1, failures: 0 }
    }
    await compare({ contenders, rounds: 3, measure, warmUp: null })
    expect(order.join(' ')).toBe('ours nginx caddy nginx caddy ours caddy ours nginx')
  })

  it('takes the ratio of each round, so that a slow round does not make a slow contender', async () => {
    const rates: Record<string, number[]> = { ours: [200, 20, 210], nginx: [100, 10, 100], caddy: [50, 5, 50] }
    const measure = async ({ id }: { id: string }) => ({ requests: rates[id]?.shift() ?? 0, seconds: 2, failures: 0 })
    const samples = await compare({ contenders, rounds: 3, measure, warmUp: null })
    expect(samples.value('ours', 'rate')).toBe(100)
    expect(samples.ratio('ours', 'nginx', 'rate')).toBe(2)
    expect(samples.ratio('ours', 'absent', 'rate')).toBeNaN()
  })

  it('has no figures of who failed, says in what, and goes on with the others', async () => {
    const turns: string[] = []
    const measure = async ({ id }: { id: string }) => {
      turns.push(id)
      if (id === 'caddy') throw new Error('wrk ended with 1')
      const failures = id === 'nginx' && turns.filter((turn) => turn === 'nginx').length === 2 ? 4 : 0
      return { requests: 9, seconds: 1, failures, how: 'status 4' }
    }
    const samples = await compare({ contenders, rounds: 3, measure, warmUp: null })
    expect(turns.join(' ')).toBe('ours nginx caddy nginx ours ours')
    expect(samples.value('ours', 'rate')).toBe(9)
    expect([samples.has('nginx'), samples.has('caddy')]).toEqual([false, false])
    expect(samples.failures).toEqual([
      { name: 'nginx', isPeer: true, what: '4 requests failed (status 4): nothing to compare' },
      { name: 'caddy', isPeer: true, what: 'wrk ended with 1' },
    ])
  })

  it('has failed who answered nothing, who fails while it warms up, and who did not start', async () => {
    const failuresOf = async (options: object) =>
      (await compare({ contenders: contenders.slice(0, 1), rounds: 1, ...options })).failures
    const nothing = async () => ({ requests: 0, seconds: 1, failures: 0 })
    expect(await failuresOf({ measure: nothing, warmUp: null })).toEqual([
      { name: 'ours', isPeer: false, what: 'no request was answered' },
    ])
    const something = async () => ({ requests: 1, seconds: 1, failures: 0 })
    expect(await failuresOf({ measure: something, warmUp: nothing })).toHaveLength(1)
    expect(await failuresOf({ measure: something, warmUp: something })).toHaveLength(0)
    const absent = { ...contenders[1], failure: 'it does not start' }
    expect(await failuresOf({ contenders: [absent], measure: something })).toEqual([
      { name: 'nginx', isPeer: true, what: 'it does not start' },
    ])
  })

  it('is shown with a row for each, that of a failed one without figures', async () => {
    const measure = async ({ id }: { id: string }) => {
      if (id === 'caddy') throw new Error('not 200:\nHTTP/1.1 503 | no server')
      return { requests: 100, seconds: 1, failures: 0 }
    }
    const samples = await compare({ contenders, rounds: 1, measure, warmUp: null })
    const { rows } = loadTable('key', 'title', samples)
    expect(rows[3]).toEqual(['caddy', 'failed: not 200: HTTP/1.1 503 / no server'])
    const [head = '', , ours = '', , caddy = ''] = table(rows).split('\n')
    expect(ours).toHaveLength(head.length)
    expect(head.length).toBeLessThan(100)
    expect(caddy).toMatch(/^caddy {2}failed: not 200: HTTP\/1\.1 503/)
    expect(
      markdownTable(rows)
        .split('\n')
        .map((line: string) => line.split('|').length),
    ).toEqual(Array(5).fill(10))
  })
})
