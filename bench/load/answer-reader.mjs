const headEnd = Buffer.from('\r\n\r\n')
const expected = Buffer.from('HTTP/1.1 200')

/**
 * Reads answers with a Content-Length from the bytes of one connection, one after the other. Cheap, so that a client costs less
 * than what it measures.
 */
export class AnswerReader {
  #head = null
  #bodyLeft = -1

  /**
   * @param chunk what came; must not go beyond the answer, as no client here asks again before it has been answered
   * @returns whether the answer is complete
   * @throws Error when it is anything but 200
   */
  read(chunk) {
    if (this.#bodyLeft === -1) {
      const bytes = this.#head === null ? chunk : Buffer.concat([this.#head, chunk])
      const end = bytes.indexOf(headEnd)
      if (end === -1) {
        this.#head = bytes
        return false
      }
      this.#bodyLeft = bodyLength(bytes, end) - (bytes.length - end - headEnd.length)
      this.#head = null
    } else {
      this.#bodyLeft -= chunk.length
    }
    if (this.#bodyLeft < 0) throw new Error('more than was asked for')
    if (this.#bodyLeft > 0) return false
    this.#bodyLeft = -1
    return true
  }
}

function bodyLength(bytes, end) {
  const head = bytes.latin1Slice(0, end)
  if (expected.compare(bytes, 0, expected.length) !== 0) throw new Error(`not 200: ${head.split('\r\n')[0]}`)
  const [, length] = /^content-length: *(\d+)/im.exec(head) ?? []
  if (length === undefined) throw new Error('an answer without Content-Length')
  return Number(length)
}

/** The bytes of a GET. */
export function requestBytes({ port, path, headers }) {
  const fields = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`)
}
