import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { Version } from './version.ts'

/** The steps of a promote that have effects, each of which can be undone. */
export interface PromoteSteps {
  /** Rewrites proxy.json. @returns how to put the former value back */
  recordLive(version: string): Promise<() => Promise<void>>
  /** Publishes routes with this version live. @returns the epoch */
  routeTo(version: string | null): number
  /** Resolves when every proxy process uses the epoch. */
  acknowledged(epoch: number): Promise<void>
  /** A step is done, `scaled`, `recorded`, `routed` or `acknowledged`: a test may end the process here. */
  reached(step: string): void
  /** A step could not be put back; those before it still are. */
  onUndoFailure(error: unknown): void
}

/**
 * Makes a version live, whole or not at all: all its workers ready, proxy.json rewritten, every proxy process routing to
 * it; when a step fails, those before it are put back and the error of that step is thrown. proxy.json is the only truth
 * of what is live, so a crash between two steps settles itself at the next start.
 * @param workers at least: those that it has beyond that go on
 * @returns the epoch from which all unversioned requests go to it
 */
export async function promoteVersion(
  version: Version,
  workers: number,
  previous: string | null,
  steps: PromoteSteps,
): Promise<number> {
  const undo: Array<() => Promise<unknown>> = []
  try {
    // Workers that are too many leave later: whoever takes some away first may have to bring them back.
    const sizeBefore = version.size
    await version.scale(Math.max(sizeBefore, workers), 'promote')
    undo.push(async () => {
      // Those too many leave when they are drained; whoever waits for the answer does not wait for that.
      version.scale(sizeBefore, 'promote').catch(steps.onUndoFailure)
    })
    steps.reached('scaled')

    undo.push(await steps.recordLive(version.name))
    steps.reached('recorded')

    undo.push(async () => steps.routeTo(previous))
    const epoch = steps.routeTo(version.name)
    steps.reached('routed')
    await steps.acknowledged(epoch)
    steps.reached('acknowledged')
    return epoch
  } catch (error) {
    throw await undoAll(undo.reverse(), toCserviceError(error), steps.onUndoFailure)
  }
}

/** Puts everything back, and says in the error what could not be. */
export async function undoAll(
  undo: ReadonlyArray<() => Promise<unknown>>,
  error: CserviceError,
  onFailure: (error: unknown) => void,
): Promise<CserviceError> {
  const left: string[] = []
  for (const putBack of undo) {
    await putBack().catch((failure: unknown) => {
      onFailure(failure)
      left.push(toCserviceError(failure).message)
    })
  }
  if (left.length === 0) return error
  const message = `${error.message}; and not everything could be put back: ${left.join('; ')}`
  const hint = 'Look at defaultVersion in proxy.json: what it says is made live at the next change or start.'
  return new CserviceError(error.code, message, { cause: error, details: error.details, hint })
}
