// node release.mjs v1: builds the application as that version, and puts it into versions/v1.
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'

const [version = 'v1'] = process.argv.slice(2)
const folder = `versions/${version}`
execFileSync('npx', ['nuxt', 'build'], { stdio: 'inherit', env: { ...process.env, VERSION: version } })
cpSync('.output', folder, { recursive: true, verbatimSymlinks: true })
for (const file of ['worker.js', 'package.json']) cpSync(file, `${folder}/${file}`)
