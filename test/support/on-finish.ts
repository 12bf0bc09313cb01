import { afterAll, onTestFinished } from 'vitest'

/**
 * Where a helper leaves what has to be undone. By default the running test undoes it, last in, first out. In `beforeAll`
 * there is no running test: hand over what `onFileFinish` gives.
 */
export type OnFinish = (undo: () => void | Promise<void>) => void

export const onTestFinish: OnFinish = (undo) => {
  onTestFinished(undo)
}

/** For what all tests of a file share: to be called outside of them. What is handed over is undone when all are over. */
export function onFileFinish(): OnFinish {
  const undo: Array<() => void | Promise<void>> = []
  afterAll(async () => {
    for (const step of undo.reverse()) await step()
  })
  return (step) => {
    undo.push(step)
  }
}
