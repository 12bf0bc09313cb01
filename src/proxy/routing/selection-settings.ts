/** What the configuration says of how requests name versions, besides the version header. Crosses the channel. */
export interface SelectionSettings {
  /** null: no skew protection. */
  readonly skew: SkewSettings | null
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
export const headerOnly: SelectionSettings = { skew: null }
