import { z } from 'zod'
import { explained, seconds, wholeNumber } from '../../common/config/checks.ts'

const longestDays = 36_500

/** The value of `retain`. */
export const retainSchema = z.looseObject(
  {
    count: wholeNumber(1, 10_000)
      .nullish()
      .describe(
        'How many versions are kept beside those that are in use, the ones used last; without it, none for their number.',
      ),
    days: explained(`a number of days from 0.01 to ${longestDays}`, (error) =>
      z.number({ error }).min(0.01, { error }).max(longestDays, { error }),
    )
      .nullish()
      .describe('For how many days a version is kept that nobody uses; without it, none for its age.'),
    keep: z
      .array(
        explained('a version name, in which * stands for any characters', (error) =>
          z.string({ error }).regex(/^[A-Za-z0-9._*-]{1,128}$/, { error }),
        ),
        { error: 'a list of version names, in which * stands for any characters' },
      )
      .default([])
      .describe('Versions that are always kept; `*` stands for any characters.'),
  },
  { error: 'an object: { "count": 10, "days": 30 }' },
)

/** Keys of proxy.json that say how long versions stay: warm, and on disk. */
export const retentionSchema = {
  keepWarm: seconds(0)
    .default(300)
    .describe(
      'For how many seconds the former live version keeps all its workers after a promote, so that a rollback is at once; 0: not at all.',
    ),
  retain: retainSchema
    .nullish()
    .describe(
      'Which versions are kept on disk: those that either `count` or `days` retains, and whatever is in use; all others are removed after each deploy and promote and once an hour. Without it, or with neither: all.',
    ),
}
