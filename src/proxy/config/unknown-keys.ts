import type { ConfigProblem } from '../../common/config/config-problem.ts'
import type { ConfigDocument } from '../../common/config/document.ts'
import { unknownKeysIn } from '../../common/config/unknown-keys.ts'
import { bindingSchema, tlsOptionsSchema } from './binding-schema.ts'
import { retainSchema } from './retention-schema.ts'
import { configSchema } from './schema.ts'

/** Options of `tls.createServer` and `tls.createSecureContext` of Node that JSON can hold, besides those of the schema. */
const tlsOptionsOfNode = [
  'allowPartialTrustChain',
  'ciphers',
  'crl',
  'dhparam',
  'ecdhCurve',
  'enableTrace',
  'honorCipherOrder',
  'maxVersion',
  'minVersion',
  'rejectUnauthorized',
  'requestCert',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sessionTimeout',
  'sigalgs',
]

/** A warning for each key that means nothing here, with the nearest name that does. */
export function unknownKeys(
  raw: Readonly<Record<string, unknown>>,
  document: ConfigDocument,
  file: string,
): ConfigProblem[] {
  const known = Object.keys(configSchema.shape)
  const warnings = unknownKeysIn(raw, known, [], document, file)
  const { retain } = raw
  if (typeof retain === 'object' && retain !== null && !Array.isArray(retain))
    warnings.push(...unknownKeysIn(retain, Object.keys(retainSchema.shape), ['retain'], document, file))
  const bindings = Array.isArray(raw.bindings) ? raw.bindings : []
  for (const [index, binding] of bindings.entries()) {
    if (typeof binding !== 'object' || binding === null || Array.isArray(binding)) continue
    const path = ['bindings', index]
    warnings.push(...unknownKeysIn(binding, Object.keys(bindingSchema.shape), path, document, file))
    const { tlsOptions } = binding as { tlsOptions?: unknown }
    if (typeof tlsOptions !== 'object' || tlsOptions === null || Array.isArray(tlsOptions)) continue
    const tlsNames = [...Object.keys(tlsOptionsSchema.shape), ...tlsOptionsOfNode]
    const otherwise = 'options of tls.createServer of Node that the gateway does not set itself (http2, headTimeout)'
    warnings.push(...unknownKeysIn(tlsOptions, tlsNames, [...path, 'tlsOptions'], document, file, otherwise))
  }
  return warnings
}
