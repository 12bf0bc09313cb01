import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext, type TlsOptions } from 'node:tls'
import { CserviceError } from '../../common/errors.ts'
import { readTlsOptions } from '../../common/tls-options.ts'

/**
 * The `ssl` option as options of `https.createServer`. `key`, `cert`, `ca`, `pfx` and `pem` (certificate and key in one) are
 * each the text of a PEM, a Buffer, the name of a file, or a list of these; everything else goes to `node:tls` as it is.
 * @param cwd where relative file names start
 * @throws CserviceError CONFIG_INVALID, which names the option, the file and the reason, and never repeats key material
 */
export function readServerTls(ssl: unknown, cwd: string = process.cwd()): TlsOptions {
  if (!isRecord(ssl)) throw wrong('must be an object with cert and key, pem, or pfx')
  const options = readTlsOptions(ssl, (value, option) => toContent(value, option, cwd))
  const isComplete = options.pfx !== undefined || (options.cert !== undefined && options.key !== undefined)
  if (!isComplete && options.SNICallback === undefined) throw wrong('has neither cert and key, nor pem, nor pfx')
  verify(options)
  return options
}

/** What a client needs to know to trust a gateway that speaks TLS. */
export interface ClientTls {
  /** The authority that has signed its certificate, if the system does not know it: as in `readServerTls`. */
  readonly ca?: unknown
  /** `false`: whoever answers is trusted with the access key. */
  readonly rejectUnauthorized?: unknown
  /** Where it is set, `rejectUnauthorized` is about the certificates of the gateway's clients, and means nothing here. */
  readonly requestCert?: unknown
}

/** @throws CserviceError CONFIG_INVALID */
export function readClientTls(
  { ca, rejectUnauthorized, requestCert }: ClientTls,
  cwd: string = process.cwd(),
): TlsOptions {
  const options = readTlsOptions({ ca }, (value, option) => toContent(value, option, cwd))
  verify(options)
  return { ...options, rejectUnauthorized: rejectUnauthorized !== false || requestCert === true }
}

function toContent(value: unknown, option: string, cwd: string): string | Buffer {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (typeof value !== 'string' || value.length === 0) {
    throw wrong(`${option} must be PEM text, a Buffer, a file name, or a list of these`)
  }
  if (value.includes('-----BEGIN')) return value
  if (/[\n\0]/.test(value)) throw wrong(`${option} is neither PEM text (-----BEGIN …) nor a file name`)
  const path = resolve(cwd, value)
  try {
    return readFileSync(path)
  } catch (error) {
    throw wrong(`the ${option} file ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, error)
  }
}

/** Finds out now, not at the first connection, that a certificate is no certificate or its key another's. */
function verify(options: TlsOptions): void {
  try {
    createSecureContext(options)
  } catch (error) {
    throw wrong(`certificate or key cannot be used: ${(error as Error).message}`, error)
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(reason: string, cause?: unknown): CserviceError {
  return new CserviceError('CONFIG_INVALID', `Option 'ssl': ${reason}`, {
    cause,
    hint: 'ssl: { "cert": "server.crt", "key": "server.key" }; also pem, pfx, ca, passphrase.',
  })
}
