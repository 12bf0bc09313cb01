import type { ConfigProblem } from '../../common/config/config-problem.ts'
import type { ConfigDocument } from '../../common/config/document.ts'
import { unknownKeysIn } from '../../common/config/unknown-keys.ts'
import { bindingSchema, configSchema } from './schema.ts'

/** A warning for each key that means nothing here, with the nearest name that does. */
export function unknownKeys(
  raw: Readonly<Record<string, unknown>>,
  document: ConfigDocument,
  file: string,
): ConfigProblem[] {
  const known = Object.keys(configSchema.shape)
  const warnings = unknownKeysIn(raw, known, [], document, file)
  const bindings = Array.isArray(raw.bindings) ? raw.bindings : []
  for (const [index, binding] of bindings.entries()) {
    if (typeof binding !== 'object' || binding === null || Array.isArray(binding)) continue
    warnings.push(...unknownKeysIn(binding, Object.keys(bindingSchema.shape), ['bindings', index], document, file))
  }
  return warnings
}
