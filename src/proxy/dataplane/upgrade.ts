import type { IncomingMessage } from 'node:http'

/**
 * The protocols that a request may change its connection to, for the worker's `Upgrade` field; null where it is to be taken
 * as a request like any other: HTTP/1.0 knows no upgrade, `h2c` concerns the client's connection to us only (and smuggles
 * requests past a proxy that passes it on), and a body before the new protocol is more than we would untangle.
 */
export function upgradeProtocol(req: IncomingMessage): string | null {
  const { headers } = req
  if (req.httpVersionMajor !== 1 || req.httpVersionMinor < 1) return null
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) return null
  const protocols = (headers.upgrade ?? '').split(',').map((protocol) => protocol.trim())
  const passed = protocols.filter((protocol) => protocol !== '' && !/^(h2c|tls\/|http\/)/i.test(protocol))
  return passed.length > 0 ? passed.join(', ') : null
}

/** The head of the request once more, byte for byte, but without its wish to change the protocol. */
export function asPlainRequest(req: IncomingMessage): Buffer {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  for (let index = 0; index < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index] ?? ''
    const value = req.rawHeaders[index + 1] ?? ''
    const lowerName = name.toLowerCase()
    if (lowerName === 'upgrade' || lowerName === 'http2-settings') continue
    if (lowerName !== 'connection') lines.push(`${name}: ${value}`)
    else lines.push(`${name}: ${value.split(',').filter(isNotUpgrade).join(',')}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

function isNotUpgrade(option: string): boolean {
  return !/^(upgrade|http2-settings)$/i.test(option.trim())
}
