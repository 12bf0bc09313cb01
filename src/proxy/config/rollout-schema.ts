import { z } from 'zod'
import { explained, seconds, wholeNumber } from '../../common/config/checks.ts'
import { guardForms, parseGuard } from '../rollout/guard-rules.ts'
import { versionNamePattern, versionNameRule } from '../versions/version-name.ts'

const version = () =>
  explained(`a version name: ${versionNameRule}`, (error) => z.string({ error }).regex(versionNamePattern, { error }))

const percent = (allowed: string) =>
  explained(allowed, (error) => z.number({ error }).gt(0, { error }).max(100, { error }))

/** The key `rollout` of proxy.json. Its members are rewritten while a rollout goes on. */
export const rolloutSchema = z.looseObject(
  {
    version: version().describe('The candidate: the version that is rolled out.'),
    steps: explained('a list of percentages, each more than the one before, up to 100', (error) =>
      z
        .array(percent('a percentage: more than 0, 100 at most'), { error })
        .min(1, { error })
        .superRefine((steps, context) => {
          const index = steps.findIndex((step, at) => step <= (steps[at - 1] ?? 0))
          if (index > 0)
            context.addIssue({
              code: 'custom',
              path: [index],
              message: `more than the step before, ${steps[index - 1]}`,
            })
        }),
    ).describe('Shares of the requests that name no version, in percent, one step after the other. 100 makes it live.'),
    every: seconds(0.1)
      .nullable()
      .default(null)
      .describe('How many seconds a step lasts, at least; `null`: no further step is taken by itself.'),
    guard: explained(guardForms, (error) =>
      z.string({ error }).refine((text) => typeof parseGuard(text) !== 'string', { error }),
    )
      .nullable()
      .default(null)
      .describe('What the candidate must not do, compared with the live version: `errors<1%,p99<1.5x`.'),
    workers: wholeNumber(1, 1024)
      .nullable()
      .default(null)
      .describe('Workers of the candidate; `null`: in proportion to its share, at least nonDefaultWorkerCount.'),
    step: wholeNumber(0, 1_000).default(0).describe('Which of the steps is in force, counted from 0.'),
    state: z
      .enum(['running', 'paused'], { error: '"running" or "paused"' })
      .default('running')
      .describe('Whether steps follow.'),
    since: explained('a date and time such as 2026-01-31T12:00:00.000Z', (error) =>
      z.string({ error }).refine((text) => !Number.isNaN(Date.parse(text)), { error }),
    )
      .nullable()
      .default(null)
      .describe('When the step began, or was resumed; `null`: when the gateway reads it.'),
    elapsed: seconds(0).default(0).describe('How many seconds of the step had passed before that.'),
  },
  { error: 'an object with version and steps, or null' },
)

/** The key `mirror` of proxy.json. */
export const mirrorSchema = z.looseObject(
  {
    version: version().describe('The version that gets copies.'),
    share: percent('a percentage: more than 0, 100 at most').describe(
      'Of the GET and HEAD requests that name no version, how many percent are copied.',
    ),
  },
  { error: 'an object with version and share, or null' },
)

/** The key `rolloutKey`. */
export const rolloutKeySchema = explained('"address", "cookie:<name>" or "header:<name>"', (error) =>
  z.string({ error }).regex(/^(address|(cookie|header):[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/, { error }),
)
