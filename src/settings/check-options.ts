import { type Checked, checkConfig, describeWrong, type WrongValue } from '../common/config/check-config.ts'
import { type ConfigPath, formatPath } from '../common/config/config-problem.ts'
import type { ConfigDocument } from '../common/config/document.ts'
import { readConfigFile } from '../common/config/read-config-file.ts'
import { unknownKeysIn } from '../common/config/unknown-keys.ts'
import { CserviceError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { type CheckedOptions, settingsSchema } from './schema.ts'

/** Options out of one source, checked, and what their author may want to know. */
export interface CheckedSource {
  readonly options: CheckedOptions
  readonly warnings: readonly string[]
  /** Says where in the file a value stands; null for options that came from no file. */
  readonly document: ConfigDocument | null
}

const hint = 'Mend the values named; docs/service-configuration.md has every key.'

/** Options that only the command line or a program can give. */
const givenOnly = ['config', 'run', 'json']
/** What a program may give besides, which is the library's. */
const ofTheLibrary = ['log', 'error', 'debug', 'results']
const ofOldVersions = ['colors', 'silentMode']

/**
 * Checks the options that a command line or a program gives.
 * @throws CserviceError BAD_USAGE that lists every problem
 */
export function checkGiven(given: Readonly<Record<string, unknown>>): CheckedSource {
  const checked = check(given)
  if ('wrong' in checked) {
    const lines = describeWrong(given, checked.wrong).map(
      ({ path, found, allowed }) => `Option '${formatPath(path)}': found ${found}, allowed: ${allowed}`,
    )
    throw new CserviceError('BAD_USAGE', lines.join('\n'), { hint })
  }
  const accepted = [...knownKeys(), ...givenOnly, ...ofTheLibrary, ...ofOldVersions]
  const unknown = Object.keys(given).filter((name) => !accepted.includes(name))
  const warnings = unknown.map((name) => {
    const meant = nearest(name, accepted)
    return `Option '${name}' means nothing${meant === null ? '' : `: perhaps ${meant} was meant`}`
  })
  return { options: checked.value, warnings, document: null }
}

/**
 * Reads and checks a configuration file.
 * @param file its absolute path
 * @throws CserviceError CONFIG_NOT_FOUND, CONFIG_INVALID
 */
export async function checkFile(file: string): Promise<CheckedSource> {
  const { value, raw, document } = checkConfig(await readConfigFile(file, 'config.json'), file, check, hint)
  const ignored = new Set([...givenOnly, ...ofOldVersions])
  const meaningful = Object.fromEntries(Object.entries(raw).filter(([name]) => !ignored.has(name)))
  const warnings = unknownKeysIn(meaningful, knownKeys(), [], document, file).map(({ message }) => message)
  for (const name of givenOnly) {
    if (Object.hasOwn(raw, name)) warnings.push(`${file}: ${name} means something on the command line only`)
  }
  return { options: value, warnings, document }
}

function knownKeys(): string[] {
  return Object.keys(settingsSchema.shape)
}

function check(raw: unknown): Checked<CheckedOptions> {
  const parsed = settingsSchema.safeParse(raw)
  return parsed.success ? { value: parsed.data } : { wrong: parsed.error.issues.flatMap((issue) => wrongValues(issue)) }
}

interface Issue {
  readonly code?: string
  readonly path: PropertyKey[]
  readonly message: string
  readonly errors?: Issue[][]
}

/** Of alternatives, the one that the value is of the right type for says best what is wrong with it. */
function wrongValues(issue: Issue, base: ConfigPath = []): WrongValue[] {
  const path = [...base, ...(issue.path as Array<string | number>)]
  const inside = (issue.errors ?? []).find(
    (issues) => issues.length > 0 && issues.every((each) => each.path.length > 0),
  )
  if (issue.code === 'invalid_union' && inside !== undefined) return inside.flatMap((each) => wrongValues(each, path))
  return [{ path, allowed: issue.message }]
}
