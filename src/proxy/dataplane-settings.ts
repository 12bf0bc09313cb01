import type { BindingConfig, ProxyConfig } from './config/proxy-config.ts'
import type { DataplaneSettings, TlsSettings } from './messages.ts'
import type { SelectionSettings, SkewSettings } from './routing/selection-settings.ts'

/** After this long a browser that waits for a version to start sees a page that says so. */
const waitingPageAfter = 1_500

/** How requests name versions, besides the version header. @param isSecure whether they come by HTTPS */
export function selectionSettings(
  { selection, access: { allow, previews } }: ProxyConfig,
  skew: SkewSettings | null,
  isSecure: boolean,
): SelectionSettings {
  const access = allow === null && previews.length === 0 ? null : { onDemand: allow, previews, isSecure }
  return { ...selection, access, skew }
}

/** What the proxy processes of one binding need to know, from the configuration: seconds become milliseconds. */
export function dataplaneSettings(
  config: ProxyConfig,
  binding: BindingConfig,
  tls: TlsSettings | null,
  skew: SkewSettings | null,
): DataplaneSettings {
  return {
    binding: {
      port: binding.port,
      tls,
      redirect: binding.redirect,
      proxyProtocol: binding.proxyProtocol,
      http2: binding.http2,
    },
    versionHeader: config.versionHeader,
    selection: selectionSettings(config, skew, tls !== null),
    servedVersionHeader: config.servedVersionHeader,
    gateTimeout: config.gateTimeout * 1_000,
    gateLimit: config.gateLimit,
    waitingPageAfter,
    answerTimeout: config.answerTimeout * 1_000,
    connectTimeout: config.connectTimeout * 1_000,
    headTimeout: config.headTimeout * 1_000,
    bodyTimeout: config.bodyTimeout * 1_000,
    sendTimeout: config.sendTimeout * 1_000,
    keepAliveTimeout: config.keepAliveTimeout * 1_000,
    upgradeIdleTimeout: config.upgradeIdleTimeout * 1_000,
    maxConnections: config.maxConnections,
    maxRequestsInFlight: config.maxRequestsInFlight,
    maxHeaderSize: config.maxHeaderSize,
    maxBodySize: config.maxBodySize,
    drainTimeout: config.drainTimeout * 1_000,
    trustProxy: config.trustProxy,
    accessLog: config.accessLog,
    healthPath: config.health?.path ?? null,
  }
}
