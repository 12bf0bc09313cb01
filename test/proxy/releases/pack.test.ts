import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Parser } from 'tar'
import { expect, it, onTestFinished } from 'vitest'
import { packFolder } from '../../../src/proxy/releases/pack.ts'
import { unpack } from '../../../src/proxy/releases/unpack.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** @param order in which the files are made: a file system may list them so */
function makeFolder(order: readonly string[]): string {
  const folder = temporaryFolder()
  for (const path of order) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), `content of ${path}`)
    utimesSync(join(folder, path), 1_600_000_000, 1_600_000_000)
  }
  chmodSync(join(folder, 'bin/run'), 0o700)
  mkdirSync(join(folder, 'empty'))
  utimesSync(join(folder, 'empty'), 1_600_000_000, 1_600_000_000)
  symlinkSync('../worker.js', join(folder, 'bin/link'))
  linkSync(join(folder, 'worker.js'), join(folder, 'zlink'))
  return folder
}

/** What is in its archive, in that order. */
async function listOf(folder: string): Promise<string> {
  const lines: string[] = []
  const parser = new Parser({
    onReadEntry: (entry) => {
      lines.push(`${entry.type} ${entry.path} ${entry.size}`)
      entry.resume()
    },
  })
  const over = new Promise((resolve) => parser.on('end', resolve))
  parser.end(await buffer(packFolder(folder, 6)))
  await over
  return lines.join('\n')
}

const files = ['worker.js', 'bin/run', 'a/b/c.js', 'a.js', 'ü.js', `${'long/'.repeat(30)}name.js`]

it('the same folder makes the same bytes, in whatever order it was made', async () => {
  const [one = '', other] = await Promise.all(
    [files, files.toReversed()].map(async (order) => await listOf(makeFolder(order))),
  )
  expect(one.split('\n')).toHaveLength(files.length + 3) // two links and an empty folder
  expect(other).toBe(one)
  const folder = makeFolder(files)
  expect(await buffer(packFolder(folder, 6))).toEqual(await buffer(packFolder(folder, 6)))
})

it('what is packed can be taken in, and is the same again', async () => {
  const folder = makeFolder(files)
  const target = temporaryFolder()
  const packed = packFolder(folder, 1)
  await unpack(packed, target, { limits: { maxSize: 1e6, maxFiles: 100 }, signal: new AbortController().signal })
  const list = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted()
  expect(list(target)).toEqual(list(folder))
  for (const path of files) {
    expect(readFileSync(join(target, path), 'utf8')).toBe(readFileSync(join(folder, path), 'utf8'))
    expect(statSync(join(target, path)).mtimeMs).toBe(1_600_000_000_000)
  }
  expect(statSync(join(target, 'bin/run')).mode & 0o111).not.toBe(0)
})

it('a folder with a socket in it is refused, with its name', async () => {
  const folder = makeFolder(files)
  const server = createServer().listen(join(folder, 'a.sock'))
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  await expect(buffer(packFolder(folder, 1))).rejects.toThrow(/a.sock is neither a file/)
})
