import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { CserviceError } from '../../common/errors.ts'
import type { Launch } from '../../supervisor/launch.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import { findWorkerFile } from './catalog.ts'
import type { PortLeases } from './port-leases.ts'

const nodeExtensions = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'])

/**
 * What to run for one worker of a version: its worker file in its own folder, on a port of its own.
 * @throws CserviceError WORKER_FAILED when there is nothing to run, PORTS_USED_UP when there is no port
 */
export async function prepareVersionLaunch(config: ProxyConfig, version: string, leases: PortLeases): Promise<Launch> {
  const cwd = join(config.versionPath, version)
  const file = await findWorkerFile(cwd, config.workerFilename)
  if (file === null)
    throw new CserviceError('WORKER_FAILED', `${version}: there is no file ${join(cwd, config.workerFilename)}`)
  const kind = nodeExtensions.has(extname(file).toLowerCase()) ? 'agent' : 'program'
  if (kind === 'program') await checkExecutable(version, file)
  const { port, release } = await leases.lease()
  return {
    file,
    kind,
    mayBeSpare: kind === 'agent',
    cwd,
    env: { PROXY_PORT: String(port), CSERVICE_VERSION: version },
    port,
    waitsFor: `listen on PROXY_PORT ${port}`,
    release,
  }
}

async function checkExecutable(version: string, file: string): Promise<void> {
  await access(file, constants.X_OK).catch((cause: unknown) => {
    throw new CserviceError('WORKER_FAILED', `${version}: ${file} is not executable`, {
      cause,
      hint: `chmod +x ${file}`,
    })
  })
}
