import { z } from 'zod'
import { explained, seconds, text, wholeNumber } from '../../common/config/checks.ts'

/** The keys of proxy.json that say how a release is taken in. */
export const releaseKeys = {
  install: text('a command line, or null')
    .nullable()
    .default(null)
    .describe(
      'Command line (/bin/sh) that `proxy deploy` runs in the folder of a new release, before anything is started: `npm ci --omit=dev`; null: none.',
    ),
  installTimeout: seconds(1).default(600).describe('How many seconds the install step may take.'),
  healthPath: explained('a path that starts with /, or null', (error) =>
    z.string({ error }).regex(/^\/[!-~]*$/, { error }),
  )
    .nullable()
    .default(null)
    .describe('Path that a new release must answer with 2xx when it is started on trial; null: it only has to listen.'),
  healthTimeout: seconds(0.1)
    .default(10)
    .describe('How many seconds a new release may take until healthPath answers 2xx.'),
  maxReleaseSize: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'of bytes')
    .default(1_073_741_824)
    .describe('How many bytes the files of a release may have together.'),
  maxReleaseFiles: wholeNumber(1, 10_000_000)
    .default(100_000)
    .describe('How many files, folders and links a release may have.'),
}

/** How a release is taken in. */
export interface ReleaseSettings {
  /** For `/bin/sh`; null: none. */
  readonly install: string | null
  /** Seconds. */
  readonly installTimeout: number
  readonly healthPath: string | null
  /** Seconds. */
  readonly healthTimeout: number
  /** Bytes of all files. */
  readonly maxReleaseSize: number
  /** Files, folders and links. */
  readonly maxReleaseFiles: number
}

type ParsedKeys = { readonly [Key in keyof typeof releaseKeys]: z.output<(typeof releaseKeys)[Key]> }

export function toReleaseSettings(parsed: ParsedKeys): ReleaseSettings {
  const { install, installTimeout, healthPath, healthTimeout, maxReleaseSize, maxReleaseFiles } = parsed
  return { install, installTimeout, healthPath, healthTimeout, maxReleaseSize, maxReleaseFiles }
}
