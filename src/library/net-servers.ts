import type { Server } from 'node:net'
import type { AgentServers } from './agent.ts'
import type { NetServers } from './cservice.ts'
import { settle } from './settle.ts'

/** How long a server is waited for, in milliseconds. */
const patienceMs = 10_000

/** @param agent follows servers in a worker; elsewhere only those are followed that are added here */
export function createNetServers(agent: AgentServers | undefined): NetServers {
  const servers = agent ?? new AddedServers()
  const each = (given: Server | readonly Server[]) => (Array.isArray(given) ? given : [given]) as readonly Server[]
  return {
    add(given) {
      for (const server of each(given)) servers.add(server)
    },
    remove(given) {
      for (const server of each(given)) servers.remove(server)
    },
    waitForReady: ((callback?: () => void) => settle(servers.whenListening(), callback)) as NetServers['waitForReady'],
    close: ((callback?: () => void) =>
      settle(servers.close({ idleGraceMs: 0 }).closed, callback)) as NetServers['close'],
  }
}

class AddedServers implements AgentServers {
  readonly #servers = new Set<Server>()

  add(server: Server): void {
    this.#servers.add(server)
    server.once('close', () => this.#servers.delete(server))
  }

  remove(server: Server): void {
    this.#servers.delete(server)
  }

  /** A server that was added is expected to listen, now or soon; one that does not holds nobody up for ever. */
  async whenListening(): Promise<void> {
    const pending = [...this.#servers].filter((server) => !server.listening)
    await Promise.all(pending.map(untilListening))
  }

  close(): { readonly closed: Promise<void> } {
    const closing = [...this.#servers].map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    return { closed: Promise.all(closing).then(() => {}) }
  }
}

function untilListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      server.off('listening', done).off('close', done)
      resolve()
    }
    const timer = setTimeout(done, patienceMs)
    server.on('listening', done).on('close', done)
  })
}
