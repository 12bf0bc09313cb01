import { sendCommand } from '../../src/supervisor/control/client.ts'
import { eventually } from './eventually.ts'
import type { Gateway } from './start-gateway.ts'

/** What tests look at in the answer of `proxy info`. */
export interface ProxyInfo {
  readonly liveVersion: string | null
  readonly epoch: number
  readonly configError: string | null
  readonly refused: Readonly<Record<string, number>>
  readonly spares: { readonly ready: number; readonly wanted: number }
  readonly options: Readonly<Record<string, unknown>>
  readonly bindings: readonly {
    port: number
    tls: {
      certificates: readonly { names: string[]; issuer: string; validTo: string; warning: string | null }[]
      authority: string | null
      error: string | null
    } | null
  }[]
  readonly proxyWorkers: readonly { port: number; pid: number; state: string; epoch: number }[]
  readonly versionWorkers: readonly { version: string; pid: number; port: number; state: string }[]
  readonly versions: readonly VersionInfo[]
}

export interface VersionInfo {
  readonly name: string
  readonly state: 'cold' | 'starting' | 'ready' | 'failed'
  readonly workers: number
  readonly ports: readonly number[]
  readonly inFlight: number
  readonly requests: number
  readonly draining: readonly { pid: number; port: number; state: string; heldBy: readonly number[] }[]
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint?: string
    readonly details?: unknown
  } | null
}

/** A command over the control socket, from this process: quicker than the program, for what is asked again and again. */
export async function ask<Answer>(gateway: Gateway, line: string): Promise<Answer> {
  return (await sendCommand(line, { port: gateway.controlPort, host: 'localhost' }, 20_000)) as Answer
}

export function proxyInfo(gateway: Gateway): Promise<ProxyInfo> {
  return ask<ProxyInfo>(gateway, 'proxy info')
}

/** @throws when the gateway does not list the version */
export async function versionInfo(gateway: Gateway, name: string): Promise<VersionInfo> {
  const version = (await proxyInfo(gateway)).versions.find((candidate) => candidate.name === name)
  if (version === undefined) throw new Error(`proxy info does not list ${name}`)
  return version
}

/** Pids of the workers of a version that are ready. */
export async function readyWorkers(gateway: Gateway, version: string): Promise<number[]> {
  const { versionWorkers } = await proxyInfo(gateway)
  return versionWorkers.filter((worker) => worker.version === version && worker.state === 'ready').map(({ pid }) => pid)
}

/** Pids of the proxy processes that are ready and route by the current table. */
export async function readyProxies(gateway: Gateway): Promise<number[]> {
  const { proxyWorkers, epoch } = await proxyInfo(gateway)
  return proxyWorkers.filter((worker) => worker.state === 'ready' && worker.epoch === epoch).map(({ pid }) => pid)
}

/** Asks until `count` are ready that are none of `gone`. */
export function untilReplaced(
  what: string,
  ask: () => Promise<number[]>,
  count: number,
  gone: readonly number[],
): Promise<number[]> {
  return eventually(what, async () => {
    const pids = await ask()
    return pids.length === count && !pids.some((pid) => gone.includes(pid)) && pids
  })
}
