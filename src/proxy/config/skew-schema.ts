import { z } from 'zod'
import { explained, flag, seconds, wholeNumber } from '../../common/config/checks.ts'

/** RFC 6265 4.1.1: a token. */
const cookieName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/

/** What `skew` may say in detail; `true` is all defaults. */
export const skewSchema = z.looseObject(
  {
    cookie: explained('the name of a cookie', (error) => z.string({ error }).regex(cookieName, { error }))
      .default('cservice-pin')
      .describe('Name of the cookie that says which version a page was loaded from.'),
    maxAge: seconds(1)
      .default(86_400)
      .describe('For how many seconds a page goes on talking to the version that it was loaded from.'),
    versions: wholeNumber(1, 100)
      .default(3)
      .describe('How many versions that were live are kept for pages that were loaded from them.'),
  },
  { error: 'true, false, or an object such as { "maxAge": 86400 }' },
)

/** `skew` of proxy.json. */
export const skewKeys = {
  skew: explained('true, false, or an object such as { "maxAge": 86400 }', (error) =>
    z.union([flag(), skewSchema], { error }),
  )
    .default(false)
    .describe(
      'Skew protection: what a page loads and fetches goes to the version that the page was loaded from, also after a promote (skew.md). true, or an object with cookie, maxAge and versions.',
    ),
}
