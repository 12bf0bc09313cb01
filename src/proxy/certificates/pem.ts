/** One `-----BEGIN …-----` block. */
export interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY`, … */
  readonly label: string
  /** From its first dash to its last. */
  readonly text: string
}

/** The blocks of a PEM text (RFC 7468), in order; what stands between them is a comment. Pure. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----[^-]*-----END \1-----/g)
  return [...blocks].map(([block, label = '']) => ({ label, text: block }))
}

export function isCertificate({ label }: PemBlock): boolean {
  return label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === 'TRUSTED CERTIFICATE'
}

export function isPrivateKey({ label }: PemBlock): boolean {
  return label.endsWith('PRIVATE KEY')
}

/** Whether a private key needs a passphrase: PKCS #8 says so in its label, the older forms in a header. */
export function isEncrypted({ label, text }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4,ENCRYPTED/m.test(text)
}
