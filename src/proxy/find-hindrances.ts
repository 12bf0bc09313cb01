import type { Gateway } from './gateway.ts'

/** Why the gateway cannot serve a client that names no version, a sentence each; empty: it can. */
export function findHindrances({ config, live, publisher, processes }: Gateway): string[] {
  const { name } = live
  const route = name === null ? undefined : publisher.table.route(name)
  const deaf = processes.bindings.filter(({ pool }) => pool.readyWorkers.length === 0)
  return [
    ...(publisher.isLeaving ? ['the proxy is stopping'] : []),
    ...closedPorts({ config, processes }),
    ...deaf.map(({ port }) => `port ${port} has no proxy process that accepts`),
    ...(name === null ? ['no version is live'] : []),
    ...(name !== null && route?.state !== 'ready' ? [`the live version ${name} has no ready worker`] : []),
  ]
}

/** The ports of the configuration that are not open, which stays so until proxy.json changes: a sentence each. */
export function closedPorts({ config, processes }: Pick<Gateway, 'config' | 'processes'>): string[] {
  const { bindings } = processes
  return config.bindings
    .filter(({ port }) => !bindings.some((binding) => binding.config.port === port))
    .map(({ port }) => `port ${port} of the configuration in force is not open`)
}
