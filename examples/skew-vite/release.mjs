// node release.mjs v1: builds the application as that version, and puts it into versions/v1.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'

const [version = 'v1'] = process.argv.slice(2)
const folder = `versions/${version}`
execFileSync('npx', ['vite', 'build'], { stdio: 'inherit', env: { ...process.env, VITE_VERSION: version } })
mkdirSync(folder, { recursive: true })
cpSync('dist', `${folder}/dist`, { recursive: true })
for (const file of ['worker.js', 'package.json']) cpSync(file, `${folder}/${file}`)
