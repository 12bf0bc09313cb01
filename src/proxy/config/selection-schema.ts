import semver from 'semver'
import { z } from 'zod'
import { explained, flag } from '../../common/config/checks.ts'
import { keyParameter } from '../routing/access/preview-traces.ts'
import { looksLikeRange } from '../routing/version-ranges.ts'
import { isVersionName, versionNamePattern } from '../versions/version-name.ts'

/** RFC 6265 4.1.1: a token. */
const cookieName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/
/** What a query can hold as it is. */
const parameterName = /^[0-9A-Za-z._~-]{1,64}$/
/** Something in front of the name, which is the last segment, or the end of it. */
const pathPrefix = /^\/[0-9A-Za-z._~!$&'()*+,;=:@/-]+\{version\}$/

const pathText = explained('a path that ends with {version}, such as "/_v/{version}"', (error) =>
  z.string({ error }).regex(pathPrefix, { error }),
)

/** What `versionPathPrefix` may say in detail. */
export const pathPrefixSchema = z.looseObject(
  {
    prefix: pathText.describe('What paths begin with: a path that ends with {version}.'),
    keep: flag().default(false).describe('Whether the worker gets the path with the prefix.'),
  },
  { error: '"/_v/{version}", or an object such as { "prefix": "/_v/{version}", "keep": true }' },
)

/** Keys of proxy.json that say how else than by the version header a request names its version. */
export const selectionKeys = {
  aliases: z
    .record(
      explained('a name: A-Z a-z 0-9 . _ - only', (error) => z.string({ error }).regex(versionNamePattern, { error })),
      explained('a version name, or a range such as "^3.0.0-rc" of 64 characters at most', (error) =>
        z.string({ error }).refine(isMeaning, { error }),
      ),
      { error: 'an object such as { "next": "^3.0.0-rc", "stable": "v2" }' },
    )
    .default({})
    .describe('Other names that requests may use: each for a version name or a range (routing.md).'),
  versionQuery: explained(`the name of a query parameter: A-Z a-z 0-9 . _ ~ - only, and not ${keyParameter}`, (error) =>
    z
      .string({ error })
      .regex(parameterName, { error })
      .refine((name) => name !== keyParameter, { error }),
  )
    .nullable()
    .default(null)
    .describe('Query parameter that may name the version; null: none (routing.md).'),
  versionCookie: explained('the name of a cookie', (error) => z.string({ error }).regex(cookieName, { error }))
    .nullable()
    .default(null)
    .describe('Cookie that may name the version; null: none (routing.md).'),
  versionHost: explained('a host name with {version} in it once, such as "{version}.preview.example.com"', (error) =>
    z.string({ error }).refine(isHostPattern, { error }),
  )
    .nullable()
    .default(null)
    .describe(
      'Host that names the version, {version} being one label of it or a part of one; null: none (routing.md).',
    ),
  versionPathPrefix: explained(
    '"/_v/{version}", or an object such as { "prefix": "/_v/{version}", "keep": true }',
    (error) => z.union([pathText, pathPrefixSchema], { error }),
  )
    .nullable()
    .default(null)
    .describe(
      'First segments of a path that name the version, such as /_v/{version}; they are cut off for the worker, unless it is an object with "keep": true; null: none (routing.md).',
    ),
}

function isMeaning(text: string): boolean {
  return isVersionName(text) || (looksLikeRange(text) && semver.validRange(text) !== null)
}

function isHostPattern(text: string): boolean {
  const parts = text.split('{version}')
  return parts.length === 2 && text.includes('.') && /^[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?$/.test(parts.join('v'))
}
