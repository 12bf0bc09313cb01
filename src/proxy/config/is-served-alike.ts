import { isDeepStrictEqual } from 'node:util'
import type { ProxyConfig } from './proxy-config.ts'

/** What is followed apart from the rest: which version gets what. */
const choiceOfVersions = { defaultVersion: null, rollout: null, mirror: null, raw: null }

/** Whether two configurations are the same to the data plane, the catalog and the ports: all of it but what is live. Pure. */
export function isServedAlike(a: ProxyConfig, b: ProxyConfig): boolean {
  return isDeepStrictEqual({ ...a, ...choiceOfVersions }, { ...b, ...choiceOfVersions })
}
