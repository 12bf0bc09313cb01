import { z } from 'zod'
import { explained, flag, hostName, portNumber, wholeNumber } from '../../common/config/checks.ts'

/** Options of a binding's `tlsOptions` that are names of files. */
export const tlsFileOptions = ['key', 'cert', 'pem', 'pfx', 'ca'] as const

const port = portNumber()

const fileNames = explained('a file name, or a list of file names', (error) =>
  z.union(
    [
      z.string({ error }).min(1, { error }),
      z.array(z.string({ error }).min(1, { error }), { error }).min(1, { error }),
    ],
    { error },
  ),
)

/** A DNS name, or one with a wildcard as its first label. */
const serverName = /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/

/** `tlsOptions` of a binding. */
export const tlsOptionsSchema = z
  .looseObject(
    {
      key: fileNames
        .optional()
        .describe('File with the private key (PEM). Of several, each is used with the certificate that it fits.'),
      cert: fileNames
        .optional()
        .describe(
          'File with the certificate and its chain (PEM). Of several, a client gets the one for the name that it asks for, otherwise the first.',
        ),
      pem: fileNames
        .optional()
        .describe('File with private key and certificates in one (PEM): instead of key and cert.'),
      pfx: fileNames.optional().describe('File with private key and certificates (PKCS #12): instead of key and cert.'),
      ca: fileNames
        .optional()
        .describe('File with the authorities that client certificates are checked against (PEM).'),
      passphrase: explained('a string', (error) => z.string({ error }))
        .optional()
        .describe('Passphrase of the private keys or of the pfx files.'),
      names: explained('a list of host names such as app.example.com', (error) =>
        z.array(z.string({ error }).regex(serverName, { error }), { error }).min(1, { error }),
      )
        .optional()
        .describe(
          'Host names that are served: it is an error if no certificate is for one of them. With local: more names of the local certificate.',
        ),
      local: flag()
        .optional()
        .describe(
          'true: a certificate of a local authority that is made for this user, for https://localhost in development (tls.md).',
        ),
    },
    { error: 'an object with the options of TLS' },
  )
  .refine(hasCertificate, { error: 'key and cert, or pem, or pfx (file names), or "local": true' })
  .refine(isEitherLocal, { error: 'either "local": true or files with certificates, not both' })

/** One of `bindings`. */
export const bindingSchema = z.looseObject(
  {
    port: port.describe('Port to listen on.'),
    host: hostName().nullish().describe('Address to listen on; without it: all addresses, IPv6 and IPv4.'),
    workerCount: wholeNumber(1, 1024).default(2).describe('Number of proxy processes.'),
    tlsOptions: tlsOptionsSchema
      .nullish()
      .describe(
        'Serves HTTPS (tls.md). Options of tls.createServer; key, cert, pem, pfx and ca are names of files, relative to proxy.json, and are followed.',
      ),
    redirect: explained(
      'a port from 1 to 65535, or a URL that starts with http:// or https:// and has no ? and no #',
      (error) => z.union([port, z.string({ error }).refine(isHttpUrl, { error })], { error }),
    )
      .nullish()
      .describe(
        'Answers every request with 308 to this port of the same host (by https, port 80: http), or to this URL with the path behind it, instead of proxying it.',
      ),
    proxyProtocol: flag()
      .default(false)
      .describe(
        'Whether each connection begins with a PROXY protocol header, version 1 or 2, that says where it comes from. Only peers in trustProxy may connect then.',
      ),
    http2: flag()
      .optional()
      .describe(
        'Whether it speaks HTTP/2 as well as HTTP/1.1. With TLS the two agree on it (ALPN); without, it is for clients that begin with HTTP/2 unasked.',
      ),
  },
  { error: 'an object with a port' },
)

function hasCertificate({ pem, pfx, key, cert, local }: Readonly<Record<string, unknown>>): boolean {
  return local === true || pem !== undefined || pfx !== undefined || (key !== undefined && cert !== undefined)
}

function isEitherLocal({ pem, pfx, key, cert, local }: Readonly<Record<string, unknown>>): boolean {
  return local !== true || [pem, pfx, key, cert].every((value) => value === undefined)
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^?#]+$/i.test(text) && URL.canParse(text)
}
