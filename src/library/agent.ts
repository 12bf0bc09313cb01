import type { Server } from 'node:net'
import type { WorkerReadyOptions } from './cservice.ts'

/** What our agent in a worker gives the library (src/supervisor/agent). An older one may have less. */
export interface Agent {
  workerReady(options?: false | WorkerReadyOptions): void
  readonly send?: (body: unknown) => void
  onMessage?: ((body: unknown) => void) | null
  readonly servers?: AgentServers
}

export interface AgentServers {
  add(server: Server): void
  remove(server: Server): void
  whenListening(): Promise<void>
  close(options: { readonly idleGraceMs: number }): { readonly closed: Promise<void> }
}

/** The agent of this process; null where no supervisor of ours has started it. */
export function findAgent(): Agent | null {
  // By a global symbol, because a version may have a copy of this package of its own.
  const global = globalThis as { readonly [key: symbol]: unknown }
  return (global[Symbol.for('cservice.agent')] as Agent | undefined) ?? null
}
