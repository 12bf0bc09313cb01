import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { type Unpacked, type UnpackOptions, unpack } from '../../../src/proxy/releases/unpack.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { checksum, entryBytes, pax, type RawEntry, tarball, tgz } from './tarball.ts'

const limits = { maxSize: 1_000_000, maxFiles: 100 }

interface Outcome {
  readonly unpacked: Unpacked | null
  readonly error: CserviceError | null
  /** Paths below the staging folder. */
  readonly files: string[]
  readonly staging: string
}

/** Unpacks into a folder beside which lies what must not be touched, and checks that it was not. */
async function run(archive: Buffer | Buffer[], options: Partial<UnpackOptions> = {}): Promise<Outcome> {
  const outside = temporaryFolder()
  const staging = join(outside, 'deep', 'staging')
  mkdirSync(staging, { recursive: true })
  writeFileSync(join(outside, 'victim'), 'untouched')
  writeFileSync(join(outside, 'deep', 'victim'), 'untouched')
  const source = toStream(Array.isArray(archive) ? archive : [archive])
  const result = await unpack(source, staging, { limits, signal: new AbortController().signal, ...options }).then(
    (unpacked) => ({ unpacked, error: null }),
    (error: unknown) => {
      if (!(error instanceof CserviceError)) throw error
      return { unpacked: null, error }
    },
  )
  const around = readdirSync(outside, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !path.startsWith('deep/staging/'),
  )
  expect(around.toSorted()).toEqual(['deep', 'deep/staging', 'deep/victim', 'victim'])
  for (const path of ['victim', 'deep/victim']) expect(readFileSync(join(outside, path), 'utf8')).toBe('untouched')
  return { ...result, staging, files: readdirSync(staging, { recursive: true, encoding: 'utf8' }).toSorted() }
}

async function* toStream(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

const worker: RawEntry = { path: 'worker.js', body: 'worker' }

describe('what is taken', () => {
  it.each([
    ['tar', tarball],
    ['gzip', tgz],
  ])('%s: files, folders and links, with plain modes, their times and our owner', async (_, pack) => {
    const { unpacked, staging, files } = await run(
      pack(
        { path: './', flag: '5', mode: 0o700 },
        { ...worker, path: './worker.js', mode: 0o666 },
        { path: 'bin/run', body: 'x', mode: 0o777 },
        { path: 'lib/', flag: '5', mode: 0o777 },
        { path: 'lib/link', flag: '2', linkpath: '../bin/run' },
        { path: 'lib/same', flag: '1', linkpath: './bin/run' },
        { path: 'empty', body: '' },
      ),
    )
    expect(files).toEqual(['bin', 'bin/run', 'empty', 'lib', 'lib/link', 'lib/same', 'worker.js'])
    expect(unpacked).toMatchObject({ prefix: '', files: 5, bytes: 7 })
    const of = (path: string) => lstatSync(join(staging, path))
    expect([of('worker.js').mode & 0o7777, of('bin/run').mode & 0o7777, of('lib').mode & 0o7777]).toEqual([
      0o644, 0o755, 0o755,
    ])
    expect([of('worker.js').uid, of('worker.js').mtimeMs]).toEqual([process.geteuid?.(), 1_600_000_000_000])
    expect(readlinkSync(join(staging, 'lib/link'))).toBe('../bin/run')
    expect(of('lib/same').ino).toBe(of('bin/run').ino)
  })

  it('the one folder of npm pack is told, also when links lie in it', async () => {
    const { unpacked } = await run(
      tgz(
        { path: 'package/package.json', body: '{}' },
        { path: 'package/a/b', body: '1' },
        { path: 'package/a/c', flag: '2', linkpath: '../a/b' },
      ),
    )
    expect(unpacked?.prefix).toBe('package')
    expect((await run(tgz({ path: 'package/a', body: '' }, worker))).unpacked?.prefix).toBe('')
    // It would be put in place as the version, and lead wherever it leads from there.
    expect((await run(tgz({ path: 'package', flag: '2', linkpath: '.' }))).unpacked?.prefix).toBe('')
  })

  it('long and foreign names come whole, whatever pieces the archive comes in', async () => {
    const long = `${'ordner/'.repeat(30)}żółć-${'ü'.repeat(60)}.js`
    const archive = tarball(
      pax({ path: long, mtime: '1600000000.5' }),
      { path: 'cut', body: 'abc' },
      { path: '././@LongLink', flag: 'L', body: `${'g'.repeat(200)}\0` },
      { path: 'ggg', body: 'def' },
      { path: 'pax_global_header', flag: 'g', body: pax({ comment: 'abc' }).body ?? '' },
      worker,
    )
    for (const size of [1, 7, 511, 513, 100_000]) {
      const pieces = Array.from({ length: Math.ceil(archive.length / size) }, (_, index) =>
        archive.subarray(index * size, (index + 1) * size),
      )
      const { error, staging } = await run(pieces)
      expect(error).toBeNull()
      expect(readFileSync(join(staging, long), 'utf8')).toBe('abc')
      expect(readFileSync(join(staging, 'g'.repeat(200)), 'utf8')).toBe('def')
    }
  })

  it('links may go through links and up, as long as every step stays inside', async () => {
    const { error } = await run(
      tarball(
        { path: 'a/b/c/file', body: '' },
        { path: 'deep', flag: '2', linkpath: 'a/b/c' },
        { path: 'x', flag: '2', linkpath: 'deep/../../b' },
        { path: 'dangling', flag: '2', linkpath: 'nothing/there' },
      ),
    )
    expect(error).toBeNull()
  })

  it('the digest is that of the bytes as they came, in any case', async () => {
    const archive = tgz(worker)
    const digest = createHash('sha256').update(archive).digest('hex')
    expect((await run(archive, { sha256: digest.toUpperCase() })).unpacked?.sha256).toBe(digest)
  })

  it('several gzip members are one archive', async () => {
    const archive = tarball(worker)
    expect(
      (await run(Buffer.concat([gzipSync(archive.subarray(0, 600)), gzipSync(archive.subarray(600))]))).error,
    ).toBeNull()
  })
})

const endless = (entries: number): RawEntry[] => Array.from({ length: entries }, (_, index) => ({ path: `f${index}` }))

describe('what is refused, with nothing written outside', () => {
  it.each<[string, Buffer, RegExp]>([
    ['a path that goes up', tarball(worker, { path: '../victim', body: 'x' }), /"\.\.\/victim" leads out/],
    ['a path that goes up in its middle', tarball({ path: 'a/../../victim', body: 'x' }), /leads out/],
    ['an absolute path', tarball({ path: '/victim', body: 'x' }), /is an absolute path/],
    ['an absolute path in an extended header', tarball(pax({ path: '/victim' }), worker), /is an absolute path/],
    ['a way up in a long name', tarball({ path: 'L', flag: 'L', body: '../victim\0' }, worker), /leads out/],
    [
      'a link to an absolute path',
      tarball({ path: 'l', flag: '2', linkpath: '/etc/passwd' }),
      /link to an absolute path/,
    ],
    ['a link that goes up', tarball({ path: 'l', flag: '2', linkpath: '../victim' }), /leaves the release/],
    ['a link that goes up further down', tarball({ path: 'a/l', flag: '2', linkpath: '../b/../../victim' }), /leaves/],
    [
      'a link that goes up through another link',
      tarball(
        { path: 'a/b/up', flag: '2', linkpath: '../..' },
        { path: 'l', flag: '2', linkpath: 'a/b/up/a/b/up/../victim' },
      ),
      /"l" is a link that leaves the release/,
    ],
    [
      'a link out of package/ in what npm pack made',
      tarball({ path: 'package/package.json', body: '{}' }, { path: 'package/l', flag: '2', linkpath: '../../victim' }),
      /leaves/,
    ],
    [
      'a link up to the folder that is stripped',
      tarball({ path: 'package/package.json', body: '{}' }, { path: 'package/l', flag: '2', linkpath: '..' }),
      /leaves/,
    ],
    [
      'links in a circle',
      tarball({ path: 'a', flag: '2', linkpath: 'b' }, { path: 'b', flag: '2', linkpath: 'a' }),
      /circle/,
    ],
    [
      'a file through a link',
      tarball({ path: 'l', flag: '2', linkpath: '.' }, { path: 'l/victim', body: 'x' }),
      /"l\/victim" would be written through the link "l"/,
    ],
    [
      'a link where there are files',
      tarball({ path: 'l/file', body: 'x' }, { path: 'l', flag: '2', linkpath: '.' }),
      /is a link, and a folder as well/,
    ],
    [
      'a file over a link',
      tarball({ path: 'l', flag: '2', linkpath: 'worker.js' }, { path: 'l', body: 'x' }),
      /stands in it twice/,
    ],
    ['a hard link out', tarball({ path: 'h', flag: '1', linkpath: '../victim' }), /leads out/],
    ['an absolute hard link', tarball({ path: 'h', flag: '1', linkpath: '/etc/passwd' }), /is an absolute path/],
    [
      'a hard link to what comes later',
      tarball({ path: 'h', flag: '1', linkpath: 'worker.js' }, worker),
      /no file before it/,
    ],
    [
      'a hard link to a link',
      tarball({ path: 'l', flag: '2', linkpath: 'x' }, { path: 'h', flag: '1', linkpath: 'l' }),
      /no file before it/,
    ],
    ['a character device', tarball({ path: 'd', flag: '3' }), /is a character device/],
    ['a block device', tarball({ path: 'd', flag: '4' }), /is a block device/],
    ['a pipe', tarball({ path: 'd', flag: '6' }), /is a named pipe/],
    ['a sparse file of GNU', tarball({ path: 's', flag: 'S', size: 8 ** 11 - 1 }), /is a sparse file/],
    ['a sparse file of pax', tarball(pax({ 'GNU.sparse.realsize': '1000000000000' }), worker), /is a sparse file/],
    ['an unknown type', tarball({ path: 'z', flag: 'Z' }), /unknown type "Z"/],
    ['a folder with content', tarball({ path: 'd/', flag: '5', body: 'x' }), /is a folder with content/],
    ['setuid', tarball({ ...worker, mode: 0o4755 }), /setuid/],
    ['setgid', tarball({ path: 'd', flag: '5', mode: 0o2755 }), /setgid/],
    ['the same file twice', tarball(worker, worker), /"worker.js" stands in it twice/],
    [
      'the same file twice, written otherwise',
      tarball(worker, { ...worker, path: './/worker.js' }),
      /stands in it twice/,
    ],
    [
      'a file and a folder',
      tarball({ path: 'a', body: '' }, { path: 'a/b', body: '' }),
      /lies in "a", which is a file/,
    ],
    [
      'names that differ in case',
      tarball(worker, { path: 'Worker.js', body: '' }),
      /differs from "worker.js" only in case/,
    ],
    ['folders that differ in case', tarball({ path: 'lib/a', body: '' }, { path: 'LIB/b', body: '' }), /"LIB" differs/],
    [
      'names that differ in normal form',
      tarball({ path: 'é'.normalize('NFC') }, { path: 'é'.normalize('NFD') }),
      /Unicode/,
    ],
    ['a line break in a name', tarball({ path: 'a\nb', body: '' }), /control character/],
    ['an escape in a name', tarball({ path: 'a\u001b[2Jb', body: '' }), /control character/],
    ['an escape of another kind in a name', tarball({ path: 'a\u009b2Jb', body: '' }), /control character/],
    ['one in what a link holds', tarball({ path: 'l', flag: '2', linkpath: 'a\u009b2Jb' }), /no path/],
    ['a NUL in a name', tarball(pax({ path: 'worker.js\0.txt' }), worker), /with a NUL/],
    ['a NUL in a long name', tarball({ path: 'L', flag: 'L', body: 'worker.js\0x\0' }, worker), /NUL/],
    [
      'a name that is not UTF-8',
      tarball({ path: 'aXb', spoil: (block) => checksum(block.fill(0xff, 1, 2)) }),
      /not UTF-8/,
    ],
    ['a name without end', tarball(pax({ path: 'x'.repeat(256) }), worker), /name longer than 255/],
    ['a path without end', tarball(pax({ path: `${'x/'.repeat(600)}x` }), worker), /path longer than 1024/],
    [
      'an extended header without end',
      tarball({ path: 'p', flag: 'x', body: 'x'.repeat(70_000) }, worker),
      /longer than a name/,
    ],
    ['two readings of an extended header', tarball(pax({ comment: 'x\n21 path=../../victim' }), worker), /line break/],
    ['a malformed extended header', tarball({ path: 'p', flag: 'x', body: '99 path=x\n' }, worker), /malformed/],
    [
      'an extended header that says a thing twice',
      tarball({ path: 'p', flag: 'x', body: '9 path=a\n9 path=b\n' }, worker),
      /malformed|twice/,
    ],
    ['a size for every entry', tarball({ ...pax({ size: '0' }, 'g') }, worker), /global extended header "size"/],
    ['too many entries', tarball(...endless(101)), /more than 100 files/],
    ['too many folders that nobody states', tarball({ path: `${'x/'.repeat(101)}f`, body: '' }), /more than 100 files/],
    ['more than it may have', tarball({ path: 'big', body: Buffer.alloc(1_000_001) }), /more than 1000000 bytes/],
    ['more than it may have, as it says', tarball({ path: 'big', size: 8 ** 11 - 1 }), /more than 1000000 bytes/],
    ['more than it may have, as pax says', tarball(pax({ size: '99999999999999' }), worker), /more than 1000000 bytes/],
    ['a zip bomb', gzipSync(tarball({ path: 'bomb', body: Buffer.alloc(50_000_000) })), /more than 1000000 bytes/],
    [
      'a negative size',
      tarball({ path: 'n', spoil: (block) => checksum(block.fill(0xff, 124, 136)) }),
      /no number|two ways/,
    ],
    ['a size of letters', tarball({ path: 'n', spoil: (block) => checksum(block.fill('z', 124, 135)) }), /no number/],
    ['a broken checksum', tarball(worker, { path: 'b', spoil: (block) => block.fill('x', 0, 1) }), /wrong checksum/],
    [
      'the end in the middle of a file',
      tarball({ path: 'a', body: 'x'.repeat(2_000) }).subarray(0, 1_000),
      /truncated/,
    ],
    ['the end in the middle of a header', tarball(worker, worker).subarray(0, 1_500), /truncated|twice/],
    ['no end', entryBytes(worker), /truncated/],
    ['half an end', Buffer.concat([entryBytes(worker), Buffer.alloc(512)]), /truncated/],
    [
      'entries behind an empty block',
      Buffer.concat([entryBytes(worker), Buffer.alloc(512), tarball(worker)]),
      /goes on behind/,
    ],
    ['something behind its end', Buffer.concat([tarball(worker), Buffer.from('x')]), /behind its end/],
    ['a second archive behind its end', Buffer.concat([tarball(worker), tarball(worker)]), /behind its end/],
    ['a truncated gzip', tgz(worker).subarray(0, -9), /truncated/],
    ['a damaged gzip', tgz({ ...worker, body: 'x'.repeat(5_000) }).fill(7, 30, 60), /damaged/],
    ['something behind its gzip', Buffer.concat([tgz(worker), Buffer.from('garbage')]), /gzip/],
    [
      'zeros and more behind its gzip',
      Buffer.concat([tgz(worker), Buffer.alloc(100), Buffer.from('x')]),
      /behind the end of its gzip/,
    ],
    ['a gzip in a gzip', gzipSync(tgz(worker)), /no tarball/],
    ['a zip', Buffer.concat([Buffer.from('504b0304', 'hex'), Buffer.alloc(600)]), /zip archive, and no tarball/],
    ['xz', Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(600)]), /packed with xz/],
    ['a text', Buffer.from('hello, world\n'.repeat(100)), /no tarball/],
    ['nothing', Buffer.alloc(0), /nothing came/],
    ['an empty archive', tarball(), /it is empty/],
    ['a worker file that is an empty link', tarball({ path: 'worker.js', flag: '2', linkpath: '' }), /no path|damaged/],
  ])('%s', async (_, archive, why) => {
    const { error } = await run(archive)
    expect(error?.message).toMatch(why)
    expect(['RELEASE_REFUSED', 'RELEASE_TOO_LARGE']).toContain(error?.code)
    expect(error?.details).toMatchObject({ why: expect.any(String) })
  })

  it('a wrong digest', async () => {
    const { error } = await run(tgz(worker), { sha256: '0'.repeat(64) })
    expect(error?.message).toMatch(/its SHA-256 is [0-9a-f]{64}, and not 0+/)
  })

  it('a zip bomb before it has grown', async () => {
    const bomb = gzipSync(
      Buffer.concat([entryBytes({ path: 'a', size: 900_000 }), Buffer.alloc(900_608), Buffer.alloc(300_000_000)]),
    )
    const before = process.memoryUsage().rss
    expect((await run(bomb)).error?.message).toMatch(/more than 3301952 bytes/)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  it('a gzip that goes on for ever and holds nothing', async () => {
    const empty = Buffer.from('000000ffff', 'hex') // a stored block without bytes (RFC 1951)
    const head = gzipSync('').subarray(0, 10)
    const { error } = await run([head, ...Array.from({ length: 40 }, () => Buffer.alloc(100_000, empty))])
    expect(error?.message).toMatch(/the archive has more than 3301952 bytes/)
  })

  it('a source that breaks off, with its own reason', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield tarball(worker).subarray(0, 700)
      throw new CserviceError('BAD_REQUEST', 'the client left')
    }
    const folder = temporaryFolder()
    await expect(unpack(broken(), folder, { limits, signal: new AbortController().signal })).rejects.toThrow(
      'the client left',
    )
  })
})

it('whatever bytes come, nothing is written outside, and what is taken is inside', async () => {
  const paths = fc.array(fc.constantFrom('a', 'b', 'A', '..', '.', '', 'é', 'c\u0000'), { minLength: 1, maxLength: 4 })
  const entry = fc.record({
    path: paths.map((parts) => parts.join('/') || 'x'),
    flag: fc.constantFrom('0', '1', '2', '5', 'x', 'L', 'K', '3', 'S'),
    linkpath: paths.map((parts) => parts.join('/')),
    body: fc.constantFrom('', 'body', '12 path=../x\n', '../victim\0'),
  })
  const archive = fc.array(entry, { maxLength: 5 }).map((entries) => tarball(...entries))
  await fc.assert(
    fc.asyncProperty(archive, fc.nat(3_000), fc.nat(255), fc.boolean(), async (bytes, at, value, isSpoilt) => {
      if (isSpoilt) bytes[at % bytes.length] = value
      await run(bytes) // checks what lies around
    }),
    { numRuns: 150 },
  )
})
