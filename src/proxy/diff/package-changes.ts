import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What has changed in the dependencies of a package.json; from null: new, to null: gone. */
export interface DependencyChange {
  readonly name: string
  /** `dependencies`, `optionalDependencies`, … */
  readonly kind: string
  readonly from: string | null
  readonly to: string | null
}

const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'] as const

/** The package.json of a version; an empty object where there is none, or no JSON in it. */
export async function readPackage(folder: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const content: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return isObject(content) ? content : {}
  } catch {
    return {}
  }
}

/** What differs in the dependencies that two package.json ask for, by name. Pure. */
export function packageChanges(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): DependencyChange[] {
  return kinds.flatMap((kind) => {
    const [from, to] = [rangesOf(before[kind]), rangesOf(after[kind])]
    return [...new Set([...from.keys(), ...to.keys()])]
      .sort()
      .map((name) => ({ name, kind, from: from.get(name) ?? null, to: to.get(name) ?? null }))
      .filter((change) => change.from !== change.to)
  })
}

function rangesOf(value: unknown): Map<string, string> {
  return new Map(isObject(value) ? Object.entries(value).map(([name, range]) => [name, String(range)]) : [])
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
