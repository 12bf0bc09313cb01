import { stat } from 'node:fs/promises'
import { validityWarning } from '../certificates/certificate-warnings.ts'
import { loadCertificates } from '../certificates/load-certificates.ts'
import { fileNames } from '../certificates/read-files.ts'
import { TlsProblems } from '../certificates/tls-problem.ts'
import type { BindingConfig } from '../config/proxy-config.ts'
import { type Finding, Findings } from './finding.ts'
import type { Subject } from './subject.ts'

const renew = 'Renew it; the gateway takes over new files by itself (docs/tls.md).'

/** The dates of a certificate. Pure. @param warning as `validityWarning` */
export function judgeValidity(file: string, warning: string | null, findings: Findings): void {
  if (warning === null) return
  const found = `the certificate ${file} ${warning}`
  if (warning.startsWith('expires')) findings.warning(found, renew)
  else findings.problem(found, warning.startsWith('expired') ? renew : 'Wait, or set the clock.')
}

/** Who may read a private key. Pure. */
export function judgeKeyMode(file: string, mode: number, findings: Findings): void {
  if ((mode & 0o004) !== 0)
    findings.warning(`every user of this machine may read the private key in ${file}`, `Close it: chmod 600 ${file}`)
}

export async function checkCertificates({ config: { bindings } }: Subject): Promise<Finding[]> {
  const findings = new Findings('certificates')
  const secure = bindings.filter(({ tlsOptions }) => tlsOptions !== null && tlsOptions.local !== true)
  for (const binding of secure) await checkBinding(binding, findings)
  return findings.end(secure.length === 0 ? 'no binding has certificates of its own' : 'the certificates can be served')
}

async function checkBinding({ port, tlsOptions }: BindingConfig, findings: Findings): Promise<void> {
  const options = tlsOptions ?? {}
  try {
    const { certificates, warnings } = await loadCertificates(options)
    for (const { leaf, facts } of certificates) judgeValidity(facts.file, validityWarning(leaf, Date.now()), findings)
    for (const warning of warnings)
      findings.warning(`port ${port}: ${warning}`, 'docs/tls.md says which files belong together.')
  } catch (error) {
    if (!(error instanceof TlsProblems)) throw error
    for (const { path, found, allowed } of error.problems)
      findings.problem(`port ${port}: tlsOptions.${path.join('.')}: ${found}`, `Allowed: ${allowed}.`)
  }
  for (const { option, file } of fileNames(options)) {
    const stats = option === 'cert' || option === 'ca' ? null : await stat(file).catch(() => null)
    if (stats !== null) judgeKeyMode(file, stats.mode, findings)
  }
}
