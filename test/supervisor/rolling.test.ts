import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concurrencyOf, roll } from '../../src/supervisor/rolling.ts'

test('one worker is replaced at a time, and a share of all beside it', () => {
  expect([0, 0.33, 0.5, 1].map((ratio) => concurrencyOf(4, ratio))).toEqual([1, 2, 3, 5])
})

test('every item is done once, and never more at a time than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 5 }), async (items, concurrency) => {
      const done: number[] = []
      let running = 0
      await roll(items, concurrency, async (item) => {
        running++
        expect(running).toBeLessThanOrEqual(concurrency)
        await Promise.resolve()
        running--
        done.push(item)
      })
      expect(done.sort()).toEqual([...items].sort())
    }),
  )
})

test('after the first failure nothing more begins, and what has begun is waited for', async () => {
  const begun: number[] = []
  let isSlowOneOver = false
  const rolled = roll([1, 2, 3, 4], 2, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('the first')
    await new Promise((resolve) => setTimeout(resolve, 50))
    isSlowOneOver = true
    throw new Error('the second')
  })
  await expect(rolled).rejects.toThrow('the first')
  expect({ begun, isSlowOneOver }).toEqual({ begun: [1, 2], isSlowOneOver: true })
})
