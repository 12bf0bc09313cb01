// Compiles the fuzzer with the data plane, beside the packages that both need, and runs it: npm run fuzz -- --minutes 60
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(realpathSync(join(root, 'node_modules')), '.cache')
mkdirSync(cache, { recursive: true })
const out = mkdtempSync(join(cache, 'cservice-fuzz-'))
let status = 1
try {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const project = join(root, 'test/fuzz')
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', project, '--outDir', out], { stdio: 'inherit' })
  const program = join(out, 'test/fuzz/main.js')
  status = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(out, { recursive: true, force: true })
}
process.exitCode = status
