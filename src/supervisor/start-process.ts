import { AdoptedProcess } from './adopted-process.ts'
import type { ChannelPeer } from './channel-server.ts'
import { EarlyPeer } from './early-peer.ts'
import { commandOf, type Launch } from './launch.ts'
import { type ProcessOptions, StartedProcess } from './started-process.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A process, and who listens to it until its worker does. */
export interface Beginning {
  readonly process: WorkerProcess
  /** null: nobody; it has not spoken yet. */
  readonly early: { handOver(peer: ChannelPeer): void } | null
}

/**
 * Has the process of a worker: a new one of ours, a spare that has become it, or one that another process starts for us.
 * @throws what the system says when it has no process or descriptor left to give
 */
export async function startProcess(launch: Launch, options: ProcessOptions): Promise<Beginning> {
  const { startBy } = launch
  if (startBy) return await startElsewhere(startBy, launch, options)
  return { process: await StartedProcess.start(launch, options), early: options.spare ?? null }
}

async function startElsewhere(
  startBy: NonNullable<Launch['startBy']>,
  launch: Launch,
  { id, name, channel, output }: ProcessOptions,
): Promise<Beginning> {
  const early = new EarlyPeer(id, channel) // it may be faster than the answer of who started it
  try {
    const ward = await startBy(commandOf(launch, `${channel.path}#${id}`))
    return { process: new AdoptedProcess(ward, name, launch.isSilent ? null : output), early }
  } catch (error) {
    early.forget()
    throw error
  }
}
