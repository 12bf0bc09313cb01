import { outputVariable } from '../../common/channel-output.cts'
import type { FromProxyProcess, ToProxyProcess } from '../messages.ts'

type StartMessage = Extract<ToProxyProcess, { type: 'start' }>
type Answer = Extract<FromProxyProcess, { type: 'started' | 'not-started' }>

export interface SharedListening {
  /** Whether the descriptor is still that of the listening socket. */
  isListening(): boolean
  readonly descriptor: number
}

/**
 * Starts another proxy process on our listening socket, for a supervisor that does not have it (docs/adr/0010). The new one
 * belongs to that supervisor, and stays when this process ends; what it writes goes by its channel.
 */
export async function startSibling({ request, command }: StartMessage, listening: SharedListening): Promise<Answer> {
  const { spawn } = await import('node:child_process') // most proxy processes never need it
  const { program, args, cwd, env } = command
  try {
    if (!listening.isListening()) throw new Error('it does not listen any more')
    const child = spawn(program, args, {
      cwd,
      env: { ...env, [outputVariable]: 'channel' },
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', listening.descriptor],
    })
    child.unref()
    const failure = await new Promise<Error | null>((resolve) => {
      child.once('error', resolve)
      child.once('spawn', () => resolve(null))
    })
    if (failure !== null || child.pid === undefined) throw failure ?? new Error('it has no pid')
    return { type: 'started', request, pid: child.pid }
  } catch (error) {
    return { type: 'not-started', request, reason: error instanceof Error ? error.message : String(error) }
  }
}
