import type { X509Certificate } from 'node:crypto'
import type { TlsIdentity } from '../messages.ts'
import { describeKey, dnsNames, shortName } from './certificate-facts.ts'
import type { FoundChain, FoundKey } from './key-material.ts'
import type { TlsProblem } from './tls-problem.ts'

/** A certificate with its chain and its key. */
export interface Pair {
  readonly chain: FoundChain
  readonly key: FoundKey
}

/**
 * Finds the key of each certificate: by what fits, in whatever order the files are named. Pure.
 * @returns in the order of the certificates, and a problem for each that is left over
 */
export function pairKeys(
  chains: readonly FoundChain[],
  keys: readonly FoundKey[],
): { pairs: Pair[]; problems: TlsProblem[] } {
  const pairs: Pair[] = []
  const problems: TlsProblem[] = []
  for (const chain of chains) {
    const [leaf, ...issuers] = chain.certificates
    const key = keyOf(leaf, keys)
    if (key !== undefined) pairs.push({ chain, key })
    else {
      const isLate = issuers.findIndex((certificate) => keyOf(certificate, keys) !== undefined)
      problems.push(isLate === -1 ? withoutKey(chain, keys) : inWrongOrder(chain, isLate + 2))
    }
  }
  if (problems.length > 0) return { pairs, problems }
  for (const { path, file, key } of keys) {
    if (pairs.some((pair) => pair.key.key.equals(key))) continue
    problems.push({ path, found: `a key that fits none of the certificates (${file})`, allowed: "a certificate's key" })
  }
  return { pairs, problems }
}

/**
 * Certificates as they are served: those of different kinds for the same names together, so that a client gets the one that it
 * understands. Pure.
 */
export function toIdentities(pairs: readonly Pair[]): TlsIdentity[] {
  const identities: Array<{ names: string[]; kinds: Set<string>; key: string[]; cert: string[] }> = []
  for (const { chain, key } of pairs) {
    const [leaf] = chain.certificates
    const names = dnsNames(leaf)
    const kind = leaf.publicKey.asymmetricKeyType ?? ''
    const fresh = { names, kinds: new Set<string>(), key: [] as string[], cert: [] as string[] }
    const others = identities.filter((other) => isSameSet(other.names, names) && !other.kinds.has(kind))
    const [identity = fresh] = others
    if (identity === fresh) identities.push(fresh)
    identity.kinds.add(kind)
    identity.key.push(key.key.export({ type: 'pkcs8', format: 'pem' }).toString())
    identity.cert.push(chain.certificates.join(''))
  }
  return identities.map(({ names, key, cert }) => ({ names, key, cert, pfx: [] }))
}

function keyOf(certificate: X509Certificate, keys: readonly FoundKey[]): FoundKey | undefined {
  return keys.find(({ key }) => certificate.checkPrivateKey(key))
}

function withoutKey({ path, file, certificates: [leaf] }: FoundChain, keys: readonly FoundKey[]): TlsProblem {
  const files = [...new Set(keys.map((key) => key.file))].join(', ')
  const tried = files === '' ? 'no key is there' : `none of the keys fits: ${files}`
  return {
    path,
    found: `the certificate of ${shortName(leaf.subject)} (${describeKey(leaf.publicKey)}, ${file}), and ${tried}`,
    allowed: 'a certificate whose private key is named as well',
  }
}

function inWrongOrder({ path, file }: FoundChain, position: number): TlsProblem {
  return {
    path,
    found: `the certificate of the server only at place ${position} of ${file}`,
    allowed: "the server's certificate first, then that of its issuer, and so on",
  }
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item))
}
