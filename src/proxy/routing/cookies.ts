/**
 * The values of every cookie of that name, in order (RFC 6265 4.2.1); quotes are part of a value.
 * @param lines the values of the `Cookie` headers
 */
export function cookieValues(lines: readonly string[], name: string): string[] {
  const values: string[] = []
  for (const line of lines) {
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=')
      if (equals !== -1 && withoutBlanks(pair.slice(0, equals)) === name) {
        values.push(withoutBlanks(pair.slice(equals + 1)))
      }
    }
  }
  return values
}

/**
 * Without the blanks at its ends that HTTP knows, which are the space and the tab (RFC 9110 5.6.3). `trim` takes more: the last byte
 * of a text like Voilà in UTF-8; and a cookie that a browser holds for another than `__Host-a` because of such a byte would become that one.
 */
export function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
