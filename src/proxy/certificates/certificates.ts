import type { Log } from '../../common/log.ts'
import type { BindingConfig, ProxyConfig } from '../config/proxy-config.ts'
import { BindingCertificates } from './binding-certificates.ts'
import { type BindingProblems, certificateError, TlsProblems } from './tls-problem.ts'

/** By the binding that they are for; null: it speaks plain HTTP. */
export type CertificatesOf = ReadonlyMap<BindingConfig, BindingCertificates | null>

/**
 * The certificates of several bindings of a configuration, before any of them is opened.
 * @throws CserviceError CERTIFICATE_INVALID that lists the problems of all of them; LOCAL_AUTHORITY_FAILED
 */
export async function openCertificates(
  { file, bindings }: ProxyConfig,
  wanted: readonly BindingConfig[],
  log: Log,
): Promise<CertificatesOf> {
  const found = new Map<BindingConfig, BindingCertificates | null>()
  const problems: BindingProblems[] = []
  for (const binding of wanted) {
    const { tlsOptions, port } = binding
    try {
      found.set(binding, tlsOptions === null ? null : await BindingCertificates.load({ tlsOptions, port, log }))
    } catch (error) {
      if (!(error instanceof TlsProblems)) throw error
      problems.push({ binding: bindings.indexOf(binding), problems: error.problems })
    }
  }
  if (problems.length > 0) throw await certificateError(file, problems)
  return found
}
