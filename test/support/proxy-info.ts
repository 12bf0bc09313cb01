import type { Gateway } from './start-gateway.ts'

/** What the tests read of the answer of `proxy info`. */
export interface ProxyInfo {
  readonly liveVersion: string | null
  readonly epoch: number
  readonly proxyWorkers: ReadonlyArray<{ readonly pid: number; readonly state: string; readonly epoch: number }>
  readonly versionWorkers: ReadonlyArray<{ readonly version: string; readonly pid: number; readonly state: string }>
  readonly versions: readonly VersionInfo[]
}

export interface VersionInfo {
  readonly name: string
  readonly state: 'cold' | 'starting' | 'ready' | 'failed'
  readonly workers: number
  readonly ports: readonly number[]
  readonly inFlight: number
  readonly requests: number
  readonly draining: readonly unknown[]
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint?: string
    readonly details?: unknown
  } | null
}

export function proxyInfo(gateway: Gateway): Promise<ProxyInfo> {
  return gateway.command<ProxyInfo>('proxy', 'info')
}

/** @throws when the gateway does not list the version */
export async function versionInfo(gateway: Gateway, name: string): Promise<VersionInfo> {
  const version = (await proxyInfo(gateway)).versions.find((candidate) => candidate.name === name)
  if (version === undefined) throw new Error(`proxy info does not list ${name}`)
  return version
}
