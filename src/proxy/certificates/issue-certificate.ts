import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'

/**
 * X.509 with node-forge, which takes 84 ms and 11 MB to load: import this module only where a certificate is made. Keys come
 * from OpenSSL, which is quick.
 */

/** PEM. */
export interface Issuer {
  readonly key: string
  readonly certificate: string
}

const { asn1, pki } = forge
/** For clocks that are a little slow. */
const backdatedMs = 60 * 60 * 1_000

/**
 * An authority that may vouch for nothing but this machine: its name, names below these domains, and loopback addresses
 * (name constraints, RFC 5280 4.2.1.10).
 * @param machine stands in its subject; null: it has no name that certificates can hold
 */
export async function issueAuthority(
  machine: string | null,
  domains: readonly string[],
  days: number,
): Promise<Issuer> {
  const { key, certificate } = await prepare(days)
  const subject = [
    { shortName: 'O', value: 'cservice local authority' },
    ...(machine === null ? [] : [{ shortName: 'OU', value: machine }]),
    { shortName: 'CN', value: `cservice local authority ${certificate.serialNumber.slice(0, 8)}` },
  ]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
    { id: '2.5.29.30', critical: true, value: nameConstraints([...domains, ...(machine === null ? [] : [machine])]) },
  ])
  certificate.sign(pki.privateKeyFromPem(key), forge.md.sha256.create())
  return { key, certificate: toPem(certificate) }
}

/** A certificate for servers. */
export async function issueCertificate(
  issuer: Issuer,
  names: readonly string[],
  addresses: readonly string[],
  days: number,
): Promise<Issuer> {
  const authority = pki.certificateFromPem(issuer.certificate)
  const { key, certificate } = await prepare(days)
  certificate.setSubject([{ shortName: 'CN', value: names[0] ?? 'localhost' }])
  certificate.setIssuer(authority.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: [...names.map((value) => ({ type: 2, value })), ...addresses.map((ip) => ({ type: 7, ip }))],
    },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: authority.generateSubjectKeyIdentifier().getBytes() },
  ])
  certificate.sign(pki.privateKeyFromPem(issuer.key), forge.md.sha256.create())
  return { key, certificate: toPem(certificate) }
}

async function prepare(days: number): Promise<{ key: string; certificate: forge.pki.Certificate }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const certificate = pki.createCertificate()
  certificate.publicKey = pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}` // positive, and of full length (RFC 5280 4.1.2.2)
  const from = Date.now() - backdatedMs
  certificate.validity.notBefore = new Date(from)
  certificate.validity.notAfter = new Date(from + days * 24 * 60 * 60 * 1_000)
  return { key: privateKey, certificate }
}

function nameConstraints(domains: readonly string[]): string {
  const loopback = ['\x7f\0\0\0\xff\0\0\0', `${'\0'.repeat(15)}\x01${'\xff'.repeat(16)}`]
  const permitted = [
    ...domains.map((domain) => generalSubtree(2, domain)),
    ...loopback.map((range) => generalSubtree(7, range)),
  ]
  const subtrees = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, permitted)
  return asn1.toDer(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [subtrees])).getBytes()
}

/** @param tag of GeneralName: 2 a DNS name, 7 an address with its mask (RFC 5280 4.2.1.6) */
function generalSubtree(tag: number, value: string): forge.asn1.Asn1 {
  const name = asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, false, value)
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [name])
}

function toPem(certificate: forge.pki.Certificate): string {
  return pki.certificateToPem(certificate).replaceAll('\r\n', '\n')
}
