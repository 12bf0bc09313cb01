import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** A key (ECDSA, P-256) and its certificate for this machine, valid for a day. @returns their files */
export function makeCertificate(folder) {
  const key = join(folder, 'key.pem')
  const cert = join(folder, 'cert.pem')
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...name], { stdio: 'pipe' })
  return { key, cert }
}
