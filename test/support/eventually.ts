import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks until the answer is neither `undefined`, `null` nor `false`, and gives it back. A probe that throws is asked
 * again. Only for what sends no event.
 *
 * @param what for the message when the deadline (milliseconds, default 10 000) passes
 */
export async function eventually<Answer>(
  what: string,
  probe: () => Answer | Promise<Answer>,
  deadline = 10_000,
): Promise<NonNullable<Exclude<Answer, false>>> {
  const end = performance.now() + deadline
  let cause: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== null && answer !== false)
        return answer as NonNullable<Exclude<Answer, false>>
    } catch (error) {
      cause = error
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${deadline} ms`, { cause })
    await delay(20)
  }
}
