import { expect } from 'vitest'
import type { LoadReport } from './load-generator.ts'

/** Every request was answered, and no connection had to be opened again. */
export function expectNothingLost({ failures, connectionsOpened }: LoadReport, connections = 50): void {
  expect(failures).toEqual([])
  expect(connectionsOpened).toBe(connections)
}
