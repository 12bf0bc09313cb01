import { describe, expect, it } from 'vitest'
// @ts-expect-error a plain script without types
import { compare } from '../../bench/compare.mjs'

const contenders = ['ours', 'nginx', 'caddy'].map((id) => ({ id, name: id, pids: () => [process.pid] }))

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

  it('is none when a request failed, or none was answered, or the load did', async () => {
    const withResult = (result: object) => compare({ contenders, rounds: 1, measure: async () => result })
    await expect(withResult({ requests: 9, seconds: 1, failures: 2 })).rejects.toThrow(/ours: 2 requests failed/)
    await expect(withResult({ requests: 0, seconds: 1, failures: 0 })).rejects.toThrow(/ours: no request was answered/)
    const measure = async () => Promise.reject(new Error('wrk ended with 1'))
    await expect(compare({ contenders, rounds: 1, measure })).rejects.toThrow(/ours: wrk ended with 1/)
  })
})
