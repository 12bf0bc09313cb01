/** What the configuration says of how requests name versions, besides the version header. Crosses the channel. */
export interface SelectionSettings {
  /** Other names: each for the name of a version, or for a range. Pairs, not an object: one may be called `__proto__`. */
  readonly aliases: ReadonlyArray<readonly [alias: string, meaning: string]>
  /** Name of a query parameter, or null. */
  readonly query: string | null
  /** Name of a cookie, or null. */
  readonly cookie: string | null
  /** What hosts look like, in lower case, with `{version}` where the name is; or null. */
  readonly host: string | null
  /** What paths begin with, or null. */
  readonly path: PathPrefixSettings | null
  /** null: everybody may reach every version. */
  readonly access: AccessSettings | null
  /** null: no skew protection. */
  readonly skew: SkewSettings | null
}

/** Who may reach a version that is not live by naming it. */
export interface AccessSettings {
  /** Patterns of versions that requests may start; null: all. */
  readonly onDemand: readonly string[] | null
  /** The first whose pattern fits counts. */
  readonly previews: readonly PreviewSettings[]
  /** Whether clients come by HTTPS. */
  readonly isSecure: boolean
}

export interface PreviewSettings {
  /** Pattern of the versions that it is the key of. */
  readonly versions: string
  /** SHA-256 of the key, in Base64. */
  readonly digest: string
}

export interface PathPrefixSettings {
  /** What stands in front of the name: `/_v/`. The name ends with its segment. */
  readonly before: string
  /** Whether the worker gets the path as it came. */
  readonly keep: boolean
}

export interface SkewSettings {
  /** Name of the cookie that holds a client's pin. */
  readonly cookie: string
  /** For how long after it was loaded a page goes on talking to its version, in seconds. */
  readonly maxAge: number
  /** What pins are signed with, in Base64. Never logged. */
  readonly key: string
  /** Whether clients come by HTTPS. */
  readonly isSecure: boolean
}

/** The header alone. */
export const headerOnly: SelectionSettings = {
  aliases: [],
  query: null,
  cookie: null,
  host: null,
  path: null,
  access: null,
  skew: null,
}
