import cluster from 'node:cluster'
import type { Duplex, Readable } from 'node:stream'
import { channelVariable } from '../common/channel-client.cts'
import { closeHandedConnections } from './handed-connections.ts'
import { agentPath, type Launch, type Spawned } from './launch.ts'

/** Descriptor of the worker's end of its channel: behind standard streams and the IPC of the cluster. */
const channelDescriptor = 4

/**
 * Starts a worker of `node:cluster`: its servers listen through this process, so that all workers share their ports.
 * Its channel is a connection that it inherits, not a path, since it may run as a user who cannot enter our directory.
 * @param id by which it says hello on its channel
 */
export function forkClusterWorker(launch: Launch, id: string): Spawned {
  // What is set up holds for the next fork: each entry has a program of its own.
  cluster.setupPrimary({
    exec: launch.file,
    args: [...(launch.args ?? [])],
    execArgv: [...optionsForFiles(process.execArgv), '--require', agentPath],
    cwd: launch.cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    // Always said, also when undefined: what an earlier fork has set up would stay.
    uid: launch.uid as number,
    gid: launch.gid as number,
  })
  const worker = cluster.fork({ ...launch.env, [channelVariable]: `fd:${channelDescriptor}#${id}` })
  worker.on('error', () => {}) // the same error of its process is handled where the process is watched
  const child = worker.process
  closeHandedConnections(child)
  const channel = child.stdio?.[channelDescriptor] as Duplex | undefined
  if (!channel) {
    delete cluster.workers?.[worker.id] // which waits for the exit of a process that never was
    throw new Error('the system has no descriptor left')
  }
  return { child, stdout: child.stdout as Readable, stderr: child.stderr as Readable, cluster: { worker, channel } }
}

/** The options of Node without the text that it was to run in the place of a file: each worker would run that instead. */
export function optionsForFiles(options: readonly string[]): string[] {
  const forText = /^(-e|-p|-pe|--eval|--print|--input-type)(=|$)/
  return options.filter((option, index) => {
    const before = options[index - 1] ?? ''
    const isValue = forText.test(before) && !before.includes('=')
    return !isValue && !forText.test(option)
  })
}
