import { z } from 'zod'
import { explained } from '../../common/config/checks.ts'

/** Names of versions, with `*` for any text and `?` for any character. */
const pattern = /^[A-Za-z0-9._*?-]{1,128}$/
/** Long enough that nobody finds one by trying. */
export const previewKeyRule = '16 to 256 visible ASCII characters'
export const previewKeyPattern = /^[\x21-\x7e]{16,256}$/

const patternText = explained('a version name, with * for any text and ? for any character', (error) =>
  z.string({ error }).regex(pattern, { error }),
)

const keyAllowed = `a key (${previewKeyRule}), or an object { "file": "…" } that names a file with one`
const keyText = z.string({ error: keyAllowed }).regex(previewKeyPattern, { error: keyAllowed })
const keyFile = z.strictObject(
  { file: z.string({ error: keyAllowed }).min(1, { error: keyAllowed }) },
  { error: keyAllowed },
)
const previewKeyAllowed = `${keyAllowed}, or an object of patterns of versions and such keys`

/** `onDemand` of proxy.json. */
export const onDemandSchema = z.looseObject(
  {
    allow: z
      .array(patternText, { error: 'a list of patterns of version names such as ["v*"]' })
      .default(['*'])
      .describe('Versions that a request may start by naming them.'),
    rate: explained('starts in a second, minute or hour, such as "10/m", "1/s" or "100/h"', (error) =>
      z.string({ error }).regex(/^[1-9][0-9]{0,5}\/[smh]$/, { error }),
    )
      .nullable()
      .default(null)
      .describe(
        'How many versions requests may start: "10/m" is 10 at once, and 10 a minute in the long run; null: any number.',
      ),
  },
  { error: 'an object such as { "allow": ["v*"], "rate": "10/m" }' },
)

/** Keys of proxy.json that say who may reach a version that is not live by naming it. */
export const accessKeys = {
  onDemand: onDemandSchema
    .prefault({})
    .describe(
      'Which versions a request may start, and how many: an object with allow and rate. Naming another one that does not run is answered as if there were no such version (routing.md).',
    ),
  previewKey: explained(previewKeyAllowed, (error) =>
    z.union([keyText, keyFile, z.record(patternText, z.union([keyText, keyFile], { error }), { error })], { error }),
  )
    .nullable()
    .default(null)
    .describe(
      'Key without which nobody reaches a version that is not live by naming it: a text, { "file": "…" } relative to proxy.json, or an object with one for each pattern of versions, of which the first that fits counts; null: none is needed (routing.md).',
    ),
}
