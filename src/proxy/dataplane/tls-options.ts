import { readFileSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'

type Contents = Buffer | Buffer[]

/**
 * A binding's `tlsOptions` with the contents of the files that they name: `key`, `cert`, `ca`, `pfx` (one name or several),
 * and `pem`, one file with certificate and key. Everything else goes to `node:tls` as it is.
 * @throws the system's error if a file cannot be read
 */
export function readTlsOptions(options: Readonly<Record<string, unknown>>): TlsOptions {
  const { pem, key, cert, ca, pfx, ...others } = options
  const read: { key?: Contents; cert?: Contents; ca?: Contents; pfx?: Contents } = {}
  if (pem !== undefined) read.key = read.cert = contents(pem)
  if (key !== undefined) read.key = contents(key)
  if (cert !== undefined) read.cert = contents(cert)
  if (ca !== undefined) read.ca = contents(ca)
  if (pfx !== undefined) read.pfx = contents(pfx)
  return { ...others, ...read }
}

function contents(names: unknown): Contents {
  return Array.isArray(names) ? names.map((name) => readFileSync(String(name))) : readFileSync(String(names))
}
