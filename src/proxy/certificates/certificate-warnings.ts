import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { shortName } from './certificate-facts.ts'

const dayMs = 24 * 60 * 60 * 1000
/** A certificate that ends so soon should have been renewed; one that never lived long, in its last third. */
const soonMs = 14 * dayMs

/**
 * What is wrong with the dates of a certificate; null: nothing. It is served all the same. Pure.
 * @param now milliseconds since the epoch
 */
export function validityWarning(
  { validFrom, validTo }: Pick<X509Certificate, 'validFrom' | 'validTo'>,
  now: number,
): string | null {
  const from = Date.parse(validFrom)
  const to = Date.parse(validTo)
  if (now >= to) return `expired ${ago(now - to)} ago: clients refuse it`
  if (now < from) return `is not valid before ${new Date(from).toISOString()}: clients refuse it`
  if (to - now < Math.min(soonMs, (to - from) / 3)) return `expires in ${ago(to - now)}`
  return null
}

/**
 * What clients may dislike of a chain that OpenSSL serves without a word. Pure.
 * @param authorities PEM; OpenSSL completes a chain from them
 */
export function chainWarnings(chain: readonly X509Certificate[], authorities: readonly string[]): string[] {
  const [leaf] = chain
  if (leaf === undefined) return []
  const warnings: string[] = []
  if (leaf.subjectAltName === undefined) warnings.push('has no subjectAltName: clients refuse it for every name')
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1]
    if (next !== undefined && !certificate.checkIssued(next)) {
      const names = `${shortName(certificate.subject)} is not followed by its issuer ${shortName(certificate.issuer)}`
      return [...warnings, `has a chain in the wrong order: ${names}`]
    }
  }
  const last = chain.at(-1) ?? leaf
  // Only certificates of a public hierarchy say where that of their issuer is found.
  if (last.infoAccess?.includes('CA Issuers') && !last.checkIssued(last) && !isIssuerKnown(last, authorities)) {
    const issuer = shortName(last.issuer)
    warnings.push(
      `has a chain that ends with ${issuer}, which few clients know: append its certificate (fullchain.pem)`,
    )
  }
  return warnings
}

function isIssuerKnown(certificate: X509Certificate, authorities: readonly string[]): boolean {
  return [...authorities, ...rootCertificates].some((pem) => certificate.checkIssued(new X509Certificate(pem)))
}

function ago(ms: number): string {
  const days = Math.floor(ms / dayMs)
  if (days >= 2) return `${days} days`
  const hours = Math.floor(ms / (60 * 60 * 1000))
  return hours >= 2 ? `${hours} hours` : `${Math.floor(ms / 60_000)} minutes`
}
