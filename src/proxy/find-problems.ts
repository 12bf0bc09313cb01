import { closedPorts } from './find-hindrances.ts'
import type { Gateway } from './gateway.ts'

/** What an operator should look at, a sentence each; empty: all is well. */
export function findProblems({
  config,
  configuration,
  live,
  catalog,
  versions,
  processes,
  rollout,
}: Gateway): string[] {
  const { name } = live
  const liveError = name === null ? null : versions.find(name)?.error
  const bindings = processes.bindings.filter(({ pool }) => pool.readyWorkers.length < pool.size)
  return [
    ...(liveError ? [`the live version ${name} is not well: ${liveError.message}`] : []),
    ...(name !== null && !catalog.has(name) ? [`the folder of the live version ${name} is gone`] : []),
    ...(rollout.problem === null ? [] : [rollout.problem]),
    ...bindings.map(({ port, pool }) => `port ${port} has ${pool.readyWorkers.length} of ${pool.size} proxy processes`),
    ...processes.bindings.flatMap(({ certificates }) => certificates?.problems() ?? []),
    ...closedPorts({ config, processes }),
    ...(configuration.lastError
      ? [`the last change of proxy.json was refused: ${configuration.lastError.message}`]
      : []),
  ]
}
