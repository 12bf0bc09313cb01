import { onTestFinished } from 'vitest'

/**
 * Where a helper leaves what has to be undone. By default the running test undoes it, last in, first out. In `beforeAll`
 * there is no running test: hand over a function that collects, and undo it in `afterAll`.
 */
export type OnFinish = (undo: () => void | Promise<void>) => void

export const onTestFinish: OnFinish = (undo) => {
  onTestFinished(undo)
}
