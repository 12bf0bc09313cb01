/** What a version may be called, as a regular expression that JSON Schema understands too. */
export const versionNamePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/

/** The same in words, for messages that say what is allowed. */
export const versionNameRule = 'A-Z a-z 0-9 . _ - only, not starting with a dot, 1 to 128 characters'

/**
 * Whether `name` can name a version: one path segment of `[A-Za-z0-9._-]` without a leading dot, 128 characters at most.
 * It says nothing about whether such a version exists.
 */
export function isVersionName(name: string): boolean {
  return versionNamePattern.test(name)
}
