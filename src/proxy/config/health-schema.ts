import { z } from 'zod'
import { explained, seconds } from '../../common/config/checks.ts'

/** The value of `health`. */
export const healthSchema = z.looseObject(
  {
    path: explained('a path such as /-/health, of printable ASCII and without ? and #', (error) =>
      z.string({ error }).regex(/^\/[!-"$->@-~]*$/, { error }),
    ).describe(
      'Path at which every binding says whether the gateway is ready: 200 or 503, without asking a worker; GET and HEAD only.',
    ),
    drainDelay: seconds(0)
      .default(0)
      .describe(
        'For how many seconds a gateway that is to stop goes on accepting while `path` and /readyz say 503, so that whoever asks them stops sending first.',
      ),
  },
  { error: 'an object such as { "path": "/-/health" }' },
)

/** `health` of proxy.json. */
export const healthKeys = {
  health: healthSchema
    .nullish()
    .describe('Lets load balancers ask the bindings whether the gateway is ready (operations.md); members below.'),
}
