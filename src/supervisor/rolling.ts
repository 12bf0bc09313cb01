/**
 * How many workers a restart or upgrade replaces at a time.
 * @param ratio share of all, from 0 upwards
 */
export function concurrencyOf(workers: number, ratio: number): number {
  return 1 + Math.floor(workers * ratio)
}

/**
 * Runs a task for each item, in their order, so many at a time. After the first failure no other begins; those that have
 * begun are waited for.
 * @throws what the first task that failed has thrown
 */
export async function roll<Item>(
  items: readonly Item[],
  concurrency: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const failures: unknown[] = []
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined && failures.length === 0; item = waiting.shift()) {
      await task(item).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  if (failures.length > 0) throw failures[0]
}
