import { CserviceError } from '../common/errors.ts'
import type { Gateway } from './gateway.ts'

/** What a promote or a rollback would do, as its dry run tells. JSON-safe. */
export interface ChangePlan {
  readonly dryRun: true
  readonly action: 'promote' | 'rollback'
  readonly version: string
  /** The live version now. */
  readonly previous: string | null
  /** Workers that the version would have. */
  readonly workers: number
  /** Workers that are started before anything else happens; 0: new routes are all it takes. */
  readonly starts: number
  /** Surplus workers of the version that are stopped afterwards. */
  readonly stops: number
  /** A version that is stopped to make room (maxRunningVersions). */
  readonly makesRoom: string | null
  /** What becomes of the live version: how many seconds it keeps its workers, and how many it has then. */
  readonly former: { readonly version: string; readonly keptWarm: number; readonly workersThen: number } | null
  /** Whether proxy.json is rewritten. */
  readonly rewrites: string | null
  /** Why the version does not run as it should, if so; whether it starts is not known before it is tried. */
  readonly lastError: string | null
  /** Versions that a rollback passes over because they are gone. */
  readonly skipped?: readonly string[]
}

/**
 * What making a version live would change. Starts and changes nothing.
 * @throws CserviceError what the promote would throw, as far as it can be foreseen: UNKNOWN_VERSION, VERSION_LIMIT
 */
export async function planChange(
  gateway: Gateway,
  change: Pick<ChangePlan, 'action' | 'version' | 'workers' | 'skipped'>,
): Promise<ChangePlan> {
  const { version: name, workers } = change
  const { config, catalog } = gateway
  await catalog.rescan()
  if (!catalog.has(name)) throw new CserviceError('UNKNOWN_VERSION', await catalog.explain(name))
  const makesRoom = gateway.coldStarts.victimFor(name)
  const version = gateway.versions.find(name)
  const size = version?.size ?? 0
  const previous = gateway.live.name
  const former =
    previous === null || previous === name
      ? null
      : {
          version: previous,
          keptWarm: config.keepWarm,
          workersThen: Math.min(config.nonDefaultWorkerCount, gateway.versions.find(previous)?.size ?? 0),
        }
  return {
    dryRun: true,
    ...change,
    previous,
    starts: Math.max(0, workers - size),
    stops: Math.max(0, size - workers),
    makesRoom,
    former,
    rewrites: config.defaultVersion === name ? null : config.file,
    lastError: version?.error?.message ?? null,
  }
}
