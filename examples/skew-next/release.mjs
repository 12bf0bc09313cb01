// node release.mjs v1: builds the application as that version, and puts it into versions/v1.
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'

const [version = 'v1'] = process.argv.slice(2)
const folder = `versions/${version}`
const env = { ...process.env, VERSION: version, NEXT_TELEMETRY_DISABLED: '1' }
execFileSync('npx', ['next', 'build'], { stdio: 'inherit', env })
cpSync('.next/standalone', folder, { recursive: true })
cpSync('.next/static', `${folder}/.next/static`, { recursive: true })
cpSync('worker.js', `${folder}/worker.js`)
