/** The one JSON value that stdout holds. @throws when there is more, or less, or something else */
export function onlyJson(stdout: string): unknown {
  const lines = stdout.split('\n')
  if (lines.length !== 2 || lines[1] !== '') throw new Error(`not exactly one line on stdout: ${stdout}`)
  return JSON.parse(lines[0] as string)
}
