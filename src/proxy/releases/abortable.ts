/**
 * The same items, until the signal is aborted: then it ends with its reason, also in the middle of a wait. The source is told
 * when nobody wants more.
 */
export async function* abortable<Item>(source: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item> {
  const iterator = source[Symbol.asyncIterator]()
  let reject: (reason: unknown) => void = () => {}
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    for (;;) {
      signal.throwIfAborted()
      const result = await new Promise<IteratorResult<Item>>((resolve, rejectNext) => {
        reject = rejectNext
        iterator.next().then(resolve, rejectNext)
      })
      if (result.done) return
      yield result.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    iterator.return?.().catch(() => {}) // it may be waiting for an item that never comes
  }
}
