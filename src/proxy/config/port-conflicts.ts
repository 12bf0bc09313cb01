import { configSchema } from './schema.ts'

/** Two keys of proxy.json that claim the same port. */
export interface PortConflict {
  readonly path: ReadonlyArray<string | number>
  readonly found: string
  readonly allowed: string
}

/** Ports of bindings that stand twice, or that workers of versions would be given. Looks only at what is well formed. */
export function portConflicts(raw: unknown): PortConflict[] {
  if (typeof raw !== 'object' || raw === null) return []
  const { bindings, versionPorts } = raw as Readonly<Record<string, unknown>>
  if (!Array.isArray(bindings)) return []
  const parsed = configSchema.shape.versionPorts.safeParse(versionPorts)
  const [min = 0, max = 0] = parsed.success ? parsed.data.split('-').map(Number) : []
  const owners = new Map<number, number>()
  const conflicts: PortConflict[] = []
  for (const [index, binding] of bindings.entries()) {
    const port: unknown = (binding as { port?: unknown } | null)?.port
    if (typeof port !== 'number') continue
    const path = ['bindings', index, 'port']
    const owner = owners.get(port)
    if (owner !== undefined) {
      conflicts.push({
        path,
        found: `${port} again`,
        allowed: `a port that no other binding has (bindings[${owner}] has this one)`,
      })
    } else if (port >= min && port <= max) {
      conflicts.push({ path, found: `${port}`, allowed: `a port outside versionPorts (${min}-${max})` })
    }
    if (owner === undefined) owners.set(port, index)
  }
  return conflicts
}
