import { CserviceError } from './common/errors.ts'
import { isRunning } from './common/is-running.ts'
import type { Log } from './common/log.ts'
import { noteMove, openRuntimeDirectory } from './common/runtime-directory.ts'
import { loadConfig } from './proxy/config/load-config.ts'
import type { ProxyConfig } from './proxy/config/proxy-config.ts'
import { describeForbidden, findForbidden } from './proxy/forbidden-paths.ts'
import { bindingOf } from './proxy/tags.ts'
import type { ServiceSettings } from './settings/service-settings.ts'
import { type InstanceLock, takeInstanceLock } from './supervisor/control/instance-lock.ts'
import { readInventory } from './supervisor/inventory.ts'
import { ListeningSockets } from './supervisor/listening-sockets.ts'
import { asUser, becomeUser } from './supervisor/privileges.ts'

/** For so long the processes of a crashed predecessor may hold ports: until they end by themselves, and a little more. */
export const predecessorPatienceMs = 15_000
/** Below it, a port may be root's alone. */
const firstFreePort = 1024

/** Where a service is on this machine, and as whom. */
export interface Place {
  /** Its runtime directory. */
  readonly directory: string
  readonly lock: InstanceLock
  readonly sockets: ListeningSockets
}

/**
 * Takes the place of a service: its runtime directory, its lock and, where it is to run as another user, the low ports of its
 * proxy.json. Then this process is that user, before anything is started or read that a user might have written.
 * @throws CserviceError UNSAFE_DIRECTORY, ALREADY_RUNNING, PORT_TAKEN, UNKNOWN_USER, CONFIG_NOT_FOUND, CONFIG_INVALID,
 *   PATH_FORBIDDEN: that user may not use a file or folder of the gateway
 */
export async function openPlace({ port, proxy, runAs }: ServiceSettings, log: Log): Promise<Place> {
  const claim = () => {
    const directory = openRuntimeDirectory(port)
    return { directory, lock: takeInstanceLock(directory), sockets: new ListeningSockets() }
  }
  const place = runAs === null ? claim() : asUser(runAs, claim)
  const { directory, lock, sockets } = place
  if (lock.wasStale) log.warn({ directory }, 'the last service here did not stop by itself')
  if (runAs === null) return place
  try {
    // Read while this process may read everything: what the user may not is then told by its name.
    const config = proxy === null ? null : (await loadConfig(proxy)).config
    if (config !== null) await reserveLowPorts(config, sockets, lock.wasStale ? heldPorts(directory, log) : null)
    noteMove(port, directory)
    becomeUser(runAs)
    log.info(runAs, 'root is given up')
    if (config !== null) await refuseForbidden(config, runAs.uid, log)
    return place
  } catch (error) {
    sockets.closeReserved()
    lock.release()
    throw error
  }
}

/** @param held ports that go on being served by proxy processes of a crashed predecessor; null: there was none */
async function reserveLowPorts(
  config: ProxyConfig,
  sockets: ListeningSockets,
  held: ReadonlySet<number> | null,
): Promise<void> {
  const { signal } = new AbortController()
  const patience = held === null ? 0 : predecessorPatienceMs
  const low = config.bindings.filter(({ port }) => port < firstFreePort && !held?.has(port))
  await Promise.all(low.map((binding) => sockets.reserve(binding, { patience, signal })))
}

function heldPorts(directory: string, log: Log): ReadonlySet<number> {
  const { processes } = readInventory(directory, log)
  return new Set(processes.filter(isRunning).flatMap((entry) => bindingOf({ entry })?.port ?? []))
}

async function refuseForbidden(config: ProxyConfig, uid: number, log: Log): Promise<void> {
  const forbidden = await findForbidden(config)
  const [essential, others] = [true, false].map((wanted) =>
    forbidden.filter(({ isEssential }) => isEssential === wanted).map(describeForbidden),
  )
  for (const sentence of others ?? []) log.warn(`as user ${uid}, ${sentence}`)
  if (!essential?.length) return
  throw new CserviceError('PATH_FORBIDDEN', `As user ${uid}, ${essential.join('; ')}`, {
    details: { forbidden: forbidden.map(({ path }) => path) },
  })
}
