/** What a client that speaks HTTP/2 says first (RFC 9113 3.4); no request of HTTP/1 begins like it. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Whether the first bytes of a connection are HTTP/2's; 'more' if there are too few of them to tell. Pure. */
export function isPreface(bytes: Buffer): boolean | 'more' {
  const length = Math.min(bytes.length, preface.length)
  if (bytes.compare(preface, 0, length, 0, length) !== 0) return false
  return length === preface.length || 'more'
}
