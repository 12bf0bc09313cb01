// Compiles src into dist. The compiler writes into a folder of its own, and each file is then moved over the old one, so
// that a running gateway, a test run or a second build beside this one never meets a missing or half-written file.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const stagingPrefix = '.build-'
const staging = join(dist, `${stagingPrefix}${process.pid}`)

mkdirSync(dist, { recursive: true })
removeAbandonedStaging()
try {
  compile()
  for (const bin of bins()) chmodSync(join(staging, bin), 0o755)
  const built = filesBelow(staging)
  for (const file of built) moveIntoPlace(file)
  removeFilesOfEarlierBuilds(new Set(built))
} finally {
  rmSync(staging, { recursive: true, force: true })
}

function compile() {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', root, '--outDir', staging], { stdio: 'inherit' })
}

function bins() {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.values(bin).map((path) => relative(dist, join(root, path)))
}

function moveIntoPlace(file) {
  const from = join(staging, file)
  const to = join(dist, file)
  if (existsSync(to) && readFileSync(to).equals(readFileSync(from)) && statSync(to).mode === statSync(from).mode) return
  mkdirSync(dirname(to), { recursive: true })
  renameSync(from, to)
}

function removeFilesOfEarlierBuilds(built) {
  for (const file of filesBelow(dist)) if (!built.has(file)) rmSync(join(dist, file), { force: true })
}

function removeAbandonedStaging() {
  for (const name of readdirSync(dist)) {
    const pid = name.startsWith(stagingPrefix) ? Number(name.slice(stagingPrefix.length)) : null
    if (pid !== null && !isAlive(pid)) rmSync(join(dist, name), { recursive: true, force: true })
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Relative paths, without the staging folders of this build and of others. */
function filesBelow(folder) {
  const paths = []
  const visit = (below) => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      if (entry.name.startsWith(stagingPrefix)) continue
      if (entry.isDirectory()) visit(join(below, entry.name))
      else paths.push(join(below, entry.name))
    }
  }
  visit('')
  return paths
}
