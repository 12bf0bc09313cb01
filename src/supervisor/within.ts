/** The longest time that a timer of Node can take, in milliseconds; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1

/**
 * Whether `event` settles within so many milliseconds; Infinity waits for ever.
 * @throws what `event` rejects with
 */
export async function within(event: Promise<unknown>, milliseconds: number): Promise<boolean> {
  if (milliseconds > longestTimer) return event.then(() => true)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false)
  })
  try {
    return await Promise.race([event.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
