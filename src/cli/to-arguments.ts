import type { GivenOptions } from './options.ts'

/**
 * The command line that gives a service these options again; without the access key and the passphrase, which go by the
 * environment: everybody on the machine can read arguments.
 */
export function toArguments({ accessKey: _key, args, ...given }: GivenOptions): string[] {
  const options = Object.entries(given).flatMap(([name, value]) => toOption(name, value))
  return isList(args) && args.length > 0 ? [...options, '--', ...args.map(String)] : options
}

function toOption(name: string, value: unknown): string[] {
  if (name !== 'ssl' || typeof value !== 'object' || value === null) return [`--${name}=${value}`] // a list: with commas
  return Object.entries(value)
    .filter(([part]) => part !== 'passphrase')
    .flatMap(([part, values]) => (isList(values) ? values : [values]).map((each) => `--ssl.${part}=${each}`))
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
