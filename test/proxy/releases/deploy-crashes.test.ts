import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fixtureWorker } from '../../support/fixture-worker.ts'
import { run } from '../../support/run.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { type VersionFolder, versionFolder } from '../../support/version-folder.ts'
import { tgz } from './tarball.ts'

const workerText = `import ${JSON.stringify(fixtureWorker('http'))}\n`
const program = fileURLToPath(new URL('./fixtures/deploy-process.mjs', import.meta.url))

/** Runs a process that clears away what is left, and then deploys the archive, if one is given. */
async function deploy(
  folder: VersionFolder,
  words: readonly string[],
  environment: Record<string, string> = {},
  limit = '',
) {
  const env = { ...process.env, RUNTIME_DIRECTORY: temporaryFolder(), ...environment }
  const line = `${limit} exec "$0" "$@"`
  const outcome = await run('/bin/sh', ['-c', line, process.execPath, program, folder.config, ...words], {
    cwd: folder.path,
    env,
    timeout: 30_000,
  })
  // Workers on trial have their say as well.
  const said = outcome.stdout.split('\n').find((text) => text.startsWith('{'))
  return { ...outcome, said: said === undefined ? null : JSON.parse(said) }
}

/** A folder with v1 and an archive beside it, whose worker takes 200 kB and several folders. */
async function folderWithArchive(settings: Record<string, unknown> = {}): Promise<VersionFolder> {
  const folder = await versionFolder({ v1: 'http' }, settings)
  const files = Array.from({ length: 20 }, (_, index) => ({ path: `lib/${index}/data`, body: 'x'.repeat(10_000) }))
  writeFileSync(
    join(folder.path, 'v2.tgz'),
    tgz({ path: 'package.json', body: '{"type":"module"}' }, { path: 'worker.js', body: workerText }, ...files),
  )
  return folder
}

/** Every path of a version with the length of its content, or null where there is no version. */
function contentOf(folder: VersionFolder, version: string): string[] | null {
  const path = join(folder.path, version)
  if (!existsSync(path)) return null
  const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return names.map((entry) => `${entry.name} ${readFileSync(join(entry.parentPath, entry.name)).length}`).toSorted()
}

describe('kill -9 of the process that deploys', () => {
  it.each([
    ['staged', 'nothing'],
    ['unpacked', 'nothing'],
    ['installed', 'nothing'],
    ['tried', 'nothing'],
    ['durable', 'nothing'],
    ['renamed', 'whole'],
    ['recorded', 'whole'],
  ])('after the step "%s" leaves %s of the version, and no staging after the next start', async (point, left) => {
    const folder = await folderWithArchive({ install: 'echo installed > by-install' })
    const killed = await deploy(folder, ['v2.tgz'], { CSERVICE_FAULT_POINT: `deploy:${point}` })
    expect([killed.signal, killed.said]).toEqual(['SIGKILL', null])
    const whole = [
      ...Array(20).fill('data 10000'),
      'by-install 10',
      'package.json 17',
      `worker.js ${workerText.length}`,
    ]
    expect(contentOf(folder, 'v2')).toEqual(left === 'nothing' ? null : whole.toSorted())

    const { said } = await deploy(folder, [])
    expect(said.names).toEqual(left === 'nothing' ? ['v1'] : ['v1', 'v2'])
    expect(existsSync(join(folder.path, '.staging'))).toBe(false)

    const again = await deploy(folder, ['v2.tgz'])
    expect(again.said.error?.code ?? again.said.answer?.version).toBe(left === 'nothing' ? 'v2' : 'VERSION_EXISTS')
  })
})

it('what others have put into the staging folder, and what another process is at, stays', async () => {
  const folder = await folderWithArchive()
  const theirs = ['mine', 'deploy-of-mine', `deploy-00000000-1-1-${'0'.repeat(16)}`]
  for (const name of theirs) mkdirSync(join(folder.path, '.staging', name), { recursive: true })
  await deploy(folder, ['v2.tgz'], { CSERVICE_FAULT_POINT: 'deploy:unpacked' })
  expect(readdirSync(join(folder.path, '.staging'))).toHaveLength(4)
  const { said } = await deploy(folder, ['v2.tgz', '--as', 'v3'])
  expect(said.answer.version).toBe('v3')
  expect(readdirSync(join(folder.path, '.staging')).toSorted()).toEqual(theirs.toSorted())
})

it('a disk that takes no more leaves nothing, and says so', async () => {
  const folder = await folderWithArchive()
  writeFileSync(join(folder.path, 'big.tgz'), tgz({ path: 'worker.js', body: Buffer.alloc(3_000_000, 'x') }))
  // No file of this process may grow beyond 1 MiB (in blocks of 512 bytes): what a full disk does, at one file.
  const { said } = await deploy(folder, ['big.tgz'], {}, 'ulimit -f 2048;')
  expect(said.error).toMatchObject({ code: 'RELEASE_NOT_WRITTEN', message: expect.stringContaining('EFBIG') })
  expect(readdirSync(folder.path).toSorted()).toEqual(['.cservice', 'big.tgz', 'proxy.json', 'v1', 'v2.tgz'])
})
