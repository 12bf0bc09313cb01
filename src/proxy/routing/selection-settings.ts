/** What the configuration says of how requests name versions, besides the version header. Crosses the channel. */
export type SelectionSettings = Readonly<Record<string, never>>

/** The header alone. */
export const headerOnly: SelectionSettings = {}
