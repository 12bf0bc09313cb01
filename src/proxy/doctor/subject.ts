import { CserviceError } from '../../common/errors.ts'
import { type GatewayAddress, sendCommand } from '../../supervisor/control/client.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'

/** A gateway that runs, as it tells about itself. */
export interface RunningGateway {
  readonly version: string
  /** null: it runs no proxy. */
  readonly configFile: string | null
  /** Ports that it listens on. */
  readonly ports: readonly number[]
  readonly proxyPids: readonly number[]
  /** What `health` says is wrong. */
  readonly problems: readonly string[]
}

/** What the checks are about. */
export interface Subject {
  readonly config: ProxyConfig
  readonly controlPort: number
  /** null: none answers on the control port. */
  readonly running: RunningGateway | null
}

const answerMs = 5_000

/** The gateway of an address; null: none answers. @throws CserviceError as `sendCommand`, but for NO_GATEWAY */
export async function findRunning(address: GatewayAddress): Promise<RunningGateway | null> {
  try {
    const version = String(await sendCommand('version', address, answerMs))
    const info = await proxyInfo(address)
    return {
      version,
      configFile: info?.configFile ?? null,
      ports: info?.bindings.map(({ port }) => port) ?? [],
      proxyPids: info?.proxyWorkers.map(({ pid }) => pid) ?? [],
      problems: await problemsOf(address),
    }
  } catch (error) {
    if (error instanceof CserviceError && error.code === 'NO_GATEWAY') return null
    throw error
  }
}

interface ProxyInfo {
  readonly configFile: string
  readonly bindings: ReadonlyArray<{ readonly port: number }>
  readonly proxyWorkers: ReadonlyArray<{ readonly pid: number }>
}

async function proxyInfo(address: GatewayAddress): Promise<ProxyInfo | null> {
  try {
    return (await sendCommand('proxy info', address, answerMs)) as ProxyInfo
  } catch (error) {
    if (error instanceof CserviceError && error.code === 'NO_PROXY') return null
    throw error
  }
}

async function problemsOf(address: GatewayAddress): Promise<string[]> {
  try {
    await sendCommand('health', address, answerMs)
    return []
  } catch (error) {
    if (!(error instanceof CserviceError) || error.code !== 'UNHEALTHY') throw error
    const { problems } = (error.details ?? {}) as { problems?: readonly unknown[] }
    return (problems ?? [error.message]).map(String)
  }
}
