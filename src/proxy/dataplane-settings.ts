import type { BindingConfig, ProxyConfig } from './config/proxy-config.ts'
import type { DataplaneSettings } from './messages.ts'

/** After this long a browser that waits for a version to start sees a page that says so. */
const waitingPageAfter = 1_500
/** A request head that takes longer is cut off. */
const headTimeout = 15_000
/** Idle time of a client's connection: longer than load balancers in front usually keep theirs (60 s). */
const keepAliveTimeout = 75_000

/** What the proxy processes of one binding need to know, from the configuration: seconds become milliseconds. */
export function dataplaneSettings(config: ProxyConfig, binding: BindingConfig): DataplaneSettings {
  return {
    binding: { port: binding.port, tlsOptions: binding.tlsOptions, redirect: binding.redirect, http2: binding.http2 },
    versionHeader: config.versionHeader,
    servedVersionHeader: config.servedVersionHeader,
    gateTimeout: config.gateTimeout * 1_000,
    gateLimit: config.gateLimit,
    waitingPageAfter,
    answerTimeout: config.answerTimeout * 1_000,
    headTimeout,
    keepAliveTimeout,
    drainTimeout: config.drainTimeout * 1_000,
    trustProxy: config.trustProxy,
    accessLog: config.accessLog,
  }
}
