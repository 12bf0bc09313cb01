import { refused } from './refusal.ts'

/**
 * The records of a pax extended header (POSIX pax, "pax Extended Header"): each is `<length> <key>=<value>\n`, its length in
 * bytes with all of it. Stricter than any reader needs to be: what two readers could take for two things is refused.
 * @param entry name of the header, for messages
 * @throws CserviceError RELEASE_REFUSED
 */
export function parsePaxRecords(body: Buffer, entry: string): Map<string, string> {
  const records = new Map<string, string>()
  let at = 0
  while (at < body.length) {
    const space = body.indexOf(0x20, at)
    const digits = space === -1 || space - at > 7 ? '' : body.toString('latin1', at, space)
    const length = /^[1-9]\d*$/.test(digits) ? Number(digits) : 0
    const end = at + length
    if (length === 0 || end > body.length || body[end - 1] !== 0x0a)
      throw refused('has a malformed extended header', entry)
    const record = body.toString('utf8', space + 1, end - 1)
    const equals = record.indexOf('=')
    if (equals < 1) throw refused('has a malformed extended header', entry)
    const key = record.slice(0, equals)
    const value = record.slice(equals + 1)
    if (records.has(key)) throw refused(`has the extended header ${JSON.stringify(key)} twice`, entry)
    if (value.includes('\n')) {
      throw refused(
        `has a line break in the extended header ${JSON.stringify(key)}`,
        entry,
        'Pack without extended attributes: tar --no-xattrs, and on macOS COPYFILE_DISABLE=1.',
      )
    }
    records.set(key, value)
    at = end
  }
  return records
}
