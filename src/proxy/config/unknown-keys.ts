import type { ConfigProblem } from '../../common/config/config-problem.ts'
import type { ConfigDocument } from '../../common/config/document.ts'
import { unknownKeysIn } from '../../common/config/unknown-keys.ts'
import { onDemandSchema } from './access-schema.ts'
import { bindingSchema, tlsOptionsSchema } from './binding-schema.ts'
import { healthSchema } from './health-schema.ts'
import { retainSchema } from './retention-schema.ts'
import { mirrorSchema, rolloutSchema } from './rollout-schema.ts'
import { configSchema } from './schema.ts'
import { pathPrefixSchema } from './selection-schema.ts'
import { skewSchema } from './skew-schema.ts'

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

/** Keys whose values are objects with keys of their own. */
const nested = {
  onDemand: onDemandSchema,
  health: healthSchema,
  skew: skewSchema,
  retain: retainSchema,
  rollout: rolloutSchema,
  mirror: mirrorSchema,
  versionPathPrefix: pathPrefixSchema,
}

/** A warning for each key that means nothing here, with the nearest name that does. */
export function unknownKeys(
  raw: Readonly<Record<string, unknown>>,
  document: ConfigDocument,
  file: string,
): ConfigProblem[] {
  const known = Object.keys(configSchema.shape)
  const warnings = unknownKeysIn(raw, known, [], document, file)
  for (const [key, schema] of Object.entries(nested)) {
    const value = raw[key]
    if (isObject(value)) warnings.push(...unknownKeysIn(value, Object.keys(schema.shape), [key], document, file))
  }
  const bindings = Array.isArray(raw.bindings) ? raw.bindings : []
  for (const [index, binding] of bindings.entries()) {
    if (!isObject(binding)) continue
    const path = ['bindings', index]
    warnings.push(...unknownKeysIn(binding, Object.keys(bindingSchema.shape), path, document, file))
    const { tlsOptions } = binding
    if (!isObject(tlsOptions)) continue
    const tlsNames = [...Object.keys(tlsOptionsSchema.shape), ...tlsOptionsOfNode]
    const otherwise = 'options of tls.createServer of Node that the gateway does not set itself (http2, headTimeout)'
    warnings.push(...unknownKeysIn(tlsOptions, tlsNames, [...path, 'tlsOptions'], document, file, otherwise))
  }
  return warnings
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
