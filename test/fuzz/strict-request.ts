/** A request as a worker that reads strictly sees it. */
export interface SeenRequest {
  readonly line: string
  /** `name: value`, the name in lower case, sorted by name; those that differ from lane to lane left out. */
  readonly fields: readonly string[]
  readonly body: string
}

/** @returns null while it is not whole; a text that says why it cannot be read */
export function parseRequest(text: string): { request: SeenRequest; size: number } | string | null {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.1$/.test(line)) return `request line ${JSON.stringify(line)}`
  for (const field of lines) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/.test(field)) return `field ${JSON.stringify(field)}`
  }
  const pairs = lines.map((field) => {
    const colon = field.indexOf(':')
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const
  })
  const of = (wanted: string): string[] => pairs.filter(([name]) => name === wanted).map(([, value]) => value)
  const lengths = of('content-length')
  const codings = of('transfer-encoding')
  if (!lengths.every((length) => /^(?:0|[1-9][0-9]*)$/.test(length))) return `length ${JSON.stringify(lengths)}`
  if (!codings.every((coding) => coding === 'chunked')) return `coding ${JSON.stringify(codings)}`
  if (!/^[^\s,/?#@]+$/.test(of('host')[0] ?? '')) return `host ${JSON.stringify(of('host'))}`
  if (of('host').length !== 1 || lengths.length + codings.length > 1) return `framing of ${JSON.stringify(text)}`
  const body = codings.length > 0 ? parseChunks(text, end + 4) : parseMeasured(text, end + 4, Number(lengths[0] ?? 0))
  if (body === null || typeof body === 'string') return body
  const varying = ['connection', 'x-request-id', 'transfer-encoding']
  // `node:http` writes several Cookie lines as one, which means the same (RFC 6265 5.4).
  const cookies = of('cookie').join('; ')
  const fields = [
    ...pairs.filter(([name]) => name !== 'cookie'),
    ...(cookies === '' ? [] : [['cookie', cookies] as const]),
  ]
    .filter(([name]) => !varying.includes(name))
    .map((pair) => pair.join(': '))
    .filter((field) => field !== 'content-length: 0') // `node:http` adds it to a POST that has no body
    .sort((one, other) => compare(one.split(':')[0] ?? '', other.split(':')[0] ?? ''))
  return { request: { line, fields, body: body.body }, size: body.end }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function parseMeasured(text: string, start: number, length: number): { body: string; end: number } | string | null {
  if (!Number.isSafeInteger(length) || length < 0) return `length ${length}`
  return text.length < start + length ? null : { body: text.slice(start, start + length), end: start + length }
}

/** Chunks as plain as can be; trailers are kept as part of the body. */
function parseChunks(text: string, start: number): { body: string; end: number } | string | null {
  let at = start
  let body = ''
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const line = text.slice(at, lineEnd)
    if (!/^[0-9a-fA-F]{1,16}$/.test(line)) return `chunk ${JSON.stringify(line)}`
    const size = Number.parseInt(line, 16)
    at = lineEnd + 2
    if (size === 0) break
    if (text.length < at + size + 2) return null
    if (text.slice(at + size, at + size + 2) !== '\r\n') return `end of chunk ${JSON.stringify(text.slice(at))}`
    body += text.slice(at, at + size)
    at += size + 2
  }
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const line = text.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { body, end: at }
    body += `<${line}>`
  }
}
