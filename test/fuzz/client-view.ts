/** The answers as a client sees them, without what may differ: dates, ids, and what concerns the connection. */
export function answersOf(text: string): string[] {
  if (text === '') return []
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => {
    const end = answer.indexOf('\r\n\r\n')
    const [line = '', ...lines] = answer.slice(0, end).split('\r\n')
    const kept = lines
      .filter((field) => !/^(date|connection|keep-alive|x-request-id):/i.test(field))
      .map((field) => field.replace(/^(transfer-encoding|trailer|content-length)(?=:)/i, (name) => name.toLowerCase()))
      .sort()
    const isChunked = kept.some((field) => /^transfer-encoding:/.test(field))
    const body = answer.slice(end + 4).replace(/[0-9a-f]{24}|"mine"/, '')
    return [line, ...kept, '', isChunked ? merge(body) : body].join('\r\n')
  })
}

/** A chunked body with its chunks put together. */
function merge(body: string): string {
  let rest = body
  let whole = ''
  for (;;) {
    const match = /^([0-9a-f]+)\r\n/i.exec(rest)
    const size = Number.parseInt(match?.[1] ?? '', 16)
    if (match === null || size === 0) return `${whole}|${rest}`
    whole += rest.slice(match[0].length, match[0].length + size)
    rest = rest.slice(match[0].length + size + 2)
  }
}
