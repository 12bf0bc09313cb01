import type { TlsOptions } from 'node:tls'

type Content = string | Buffer
/** What one value of `key`, `cert`, `ca`, `pfx` or `pem` holds, or, where it is a file name, what the file holds. */
export type ReadContent = (value: unknown, option: string) => Content

/**
 * TLS options with the contents of the files that they name: `key`, `cert`, `ca`, `pfx` (one name or several), and `pem`,
 * one file with certificate and key. Everything else goes to `node:tls` as it is.
 * @throws what `read` throws
 */
export function readTlsOptions(options: Readonly<Record<string, unknown>>, read: ReadContent): TlsOptions {
  const { pem, key, cert, ca, pfx, ...others } = options
  const contents = (option: string, value: unknown): Content | Content[] =>
    Array.isArray(value) ? value.map((item) => read(item, option)) : read(value, option)
  const found: Record<string, Content | Content[]> = {}
  if (isGiven(pem)) found.key = found.cert = contents('pem', pem)
  for (const [option, value] of Object.entries({ key, cert, ca, pfx })) {
    if (isGiven(value)) found[option] = contents(option, value)
  }
  return { ...others, ...found }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
