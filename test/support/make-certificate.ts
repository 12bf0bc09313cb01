import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate with its key, in PEM. It can issue others. */
export interface MadeCertificate {
  readonly key: string
  readonly cert: string
  readonly privateKey: KeyObject
  /** DER of its subject. */
  readonly subject: Buffer
}

export interface CertificateOptions {
  /** DNS names; empty: no subjectAltName. */
  readonly names?: readonly string[]
  readonly commonName?: string
  /** Itself, if not given. */
  readonly issuer?: MadeCertificate
  readonly kind?: 'ec' | 'rsa' | 'ed25519'
  readonly bits?: number
  readonly from?: Date
  readonly to?: Date
  readonly isAuthority?: boolean
  /** Says, as public authorities do, where the issuer's certificate is found. */
  readonly caIssuers?: string
}

const dayMs = 24 * 60 * 60 * 1_000

/** An X.509 certificate (RFC 5280) with whatever dates, names and keys a test needs, without any program. */
export function makeCertificate(options: CertificateOptions = {}): MadeCertificate {
  const { names = ['localhost'], kind = 'ec', isAuthority = false, caIssuers, issuer } = options
  const { privateKey, publicKey } = makeKeys(kind, options.bits ?? 2048)
  const subject = nameOf(options.commonName ?? names[0] ?? 'nobody')
  const signer = issuer?.privateKey ?? privateKey
  const algorithm = algorithmOf(signer)
  const [from, to] = [options.from ?? new Date(Date.now() - dayMs), options.to ?? new Date(Date.now() + 90 * dayMs)]
  const extensions = [
    ...(names.length > 0
      ? [extension('2.5.29.17', sequence(...names.map((name) => tlv(0x82, Buffer.from(name)))))]
      : []),
    extension('2.5.29.19', isAuthority ? sequence(tlv(0x01, Buffer.from([0xff]))) : sequence()),
    ...(caIssuers === undefined
      ? []
      : [
          extension(
            '1.3.6.1.5.5.7.1.1',
            sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), tlv(0x86, Buffer.from(caIssuers)))),
          ),
        ]),
  ]
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    issuer?.subject ?? subject,
    sequence(time(from), time(to)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : 'sha256', toBeSigned, signer)
  const certificate = sequence(toBeSigned, algorithm, tlv(0x03, Buffer.from([0]), signature))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: toPem(certificate),
    privateKey,
    subject,
  }
}

/** Writes them as `<name>.key` and `<name>.crt`, with the chain behind the certificate. @returns the paths */
export function writeCertificate(
  folder: string,
  name: string,
  { key, cert }: MadeCertificate,
  chain: readonly MadeCertificate[] = [],
): { key: string; cert: string } {
  const files = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) }
  writeFileSync(files.cert, [cert, ...chain.map((one) => one.cert)].join(''))
  writeFileSync(files.key, key)
  return files
}

function makeKeys(kind: 'ec' | 'rsa' | 'ed25519', bits: number) {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: bits })
  return kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function algorithmOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(oid('1.2.840.113549.1.1.11'), tlv(0x05))
  return sequence(oid(key.asymmetricKeyType === 'ed25519' ? '1.3.101.112' : '1.2.840.10045.4.3.2'))
}

function nameOf(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), tlv(0x04, value))
}

function time(date: Date): Buffer {
  return tlv(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`))
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = rest.flatMap((part) => {
    const groups = [part & 0x7f]
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80)
    return groups
  })
  return tlv(0x06, Buffer.from([first * 40 + second, ...bytes]))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, ...parts)
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
