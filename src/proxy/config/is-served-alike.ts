import { isDeepStrictEqual } from 'node:util'
import type { ProxyConfig } from './proxy-config.ts'

/** Whether two configurations are the same to the data plane, the catalog and the ports: all of it but what is live. Pure. */
export function isServedAlike(a: ProxyConfig, b: ProxyConfig): boolean {
  return isDeepStrictEqual({ ...a, defaultVersion: null, raw: null }, { ...b, defaultVersion: null, raw: null })
}
