import type { KeyObject, X509Certificate } from 'node:crypto'

/** What an operator wants to know of a certificate. JSON-safe. */
export interface CertificateFacts {
  /** DNS names and addresses that it is for. */
  readonly names: readonly string[]
  readonly subject: string
  readonly issuer: string
  /** RFC 3339. */
  readonly validFrom: string
  /** RFC 3339. */
  readonly validTo: string
  /** `RSA 2048`, `EC prime256v1`. */
  readonly key: string
  readonly file: string
}

/** Pure. */
export function factsOf(certificate: X509Certificate, file: string): CertificateFacts {
  return {
    names: [...dnsNames(certificate), ...addresses(certificate)],
    subject: shortName(certificate.subject),
    issuer: shortName(certificate.issuer),
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    key: describeKey(certificate.publicKey),
    file,
  }
}

/** The DNS names of a certificate's subjectAltName, in lower case. Its common name is none (RFC 9525 6.3). */
export function dnsNames({ subjectAltName }: X509Certificate): string[] {
  return alternativeNames(subjectAltName, 'DNS').map((name) => name.toLowerCase())
}

/** `RSA 2048`. */
export function describeKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const detail = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength
  return `${(asymmetricKeyType ?? 'unknown').toUpperCase()}${detail === undefined ? '' : ` ${detail}`}`
}

/** `Who issued it` of a distinguished name: its common name, else its organisation, else all of it. */
export function shortName(distinguishedName: string | undefined): string {
  const lines = (distinguishedName ?? '').split('\n')
  const find = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1)
  return find('CN') ?? find('O') ?? (lines.join(', ') || 'nobody')
}

function addresses({ subjectAltName }: X509Certificate): string[] {
  return alternativeNames(subjectAltName, 'IP Address')
}

/** Node puts names with odd characters in quotes; those are no names of servers. */
function alternativeNames(text: string | undefined, kind: string): string[] {
  const names = (text ?? '').matchAll(/(?:^|, )([A-Za-z ]+):([^",]*)/g)
  return [...names].flatMap(([, found, name = '']) => (found === kind && name !== '' ? [name] : []))
}
