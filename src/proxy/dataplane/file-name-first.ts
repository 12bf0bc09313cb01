import { hasField } from './end-to-end-headers.ts'

/**
 * The same lines with `Content-Length` at the end where there is a `Content-Disposition`. Behind a length, `node:http` takes that for
 * text in Unicode and writes other bytes than it was given, or throws (seen in Node 20 to 26).
 * @param lines names and values in turn
 */
export function fileNameFirst(lines: string[]): string[] {
  if (!hasField(lines, 'content-disposition') || !hasField(lines, 'content-length')) return lines
  const first: string[] = []
  const last: string[] = []
  for (let index = 0; index < lines.length; index += 2) {
    const [name = '', value = ''] = lines.slice(index, index + 2)
    if (name.toLowerCase() === 'content-length') last.push(name, value)
    else first.push(name, value)
  }
  return [...first, ...last]
}
