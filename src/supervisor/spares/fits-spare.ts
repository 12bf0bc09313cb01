import type { Launch } from '../launch.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Variables that Node, V8, OpenSSL, ICU or the C library read when a process starts, or the first time something is used. */
const readAtStart =
  /^(NODE_|UV_|LD_|DYLD_|MALLOC_|GLIBC_|LC_|SSL_|OPENSSL_|ICU_)|^(TZ|LANG|LANGUAGE|HOME|FORCE_COLOR|NO_COLOR)$/
/** Options that mean the same in every folder and run nothing: what else stands in NODE_OPTIONS may do either. */
const harmlessOption =
  /^--(max[-_]old[-_]space[-_]size|max[-_]semi[-_]space[-_]size|stack[-_]trace[-_]limit|max-http-header-size|unhandled-rejections|dns-result-order|enable-source-maps|no-warnings|no-deprecation|trace-warnings|trace-deprecation|trace-uncaught)(=\S+)?$/

/** Whether spares can be booted in this environment without running anybody's code before its time. */
export function allowsSpares(environment: Environment): boolean {
  const options = environment.NODE_OPTIONS?.split(/\s+/).filter((option) => option !== '') ?? []
  return options.every((option) => harmlessOption.test(option))
}

/**
 * Whether a spare can become exactly what this launch would be as a process of its own.
 * @param environment what the worker is to see
 * @param booted the environment that the spare was started with
 */
export function fitsSpare(launch: Launch, environment: Environment, booted: Environment): boolean {
  if (launch.kind !== 'agent' || !launch.mayBeSpare) return false
  if (launch.uid !== undefined || launch.gid !== undefined || (launch.descriptors?.length ?? 0) > 0) return false
  const names = new Set([...Object.keys(environment), ...Object.keys(booted)])
  return [...names].every((name) => !readAtStart.test(name) || environment[name] === booted[name])
}
