import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { environment, startProgram } from '../processes.mjs'

// In a folder of their own, which git ignores: what is only compared is no dependency of the project.
const folder = fileURLToPath(new URL('modules', import.meta.url))
const exactVersions = {
  'http-proxy-3': '1.23.3',
  httpxy: '0.5.6',
  'fast-proxy': '2.2.0',
  fastify: '5.12.8',
  '@fastify/http-proxy': '11.6.3',
}
export const installPeersCommand = 'npm run bench -- --install-peers'

/**
 * A peer that is a Node library, in a small program of ours that uses it as its documentation says.
 * @param file the program, in peers/programs; `library`: what must be installed for it
 * @param extra more of its environment
 */
export function nodePeer({ id, name, file, library, extra = {}, speaks = ['tls'] }) {
  return {
    id,
    name,
    howToInstall: installPeersCommand,
    speaks,
    isInstalled: () => resolveFrom(library) !== null,
    start({ backendPort, port, core, tls, settings = {} }) {
      const program = fileURLToPath(new URL(`programs/${file}`, import.meta.url))
      const env = {
        ...environment(),
        NODE_ENV: 'production',
        BENCH_MODULES: resolveFrom(library),
        BENCH_BACKEND: String(backendPort),
        BENCH_PORT: String(port),
        ...(tls === null ? {} : { BENCH_KEY: tls.key, BENCH_CERT: tls.cert }),
        ...extra,
        ...settings,
      }
      return startProgram([process.execPath, '--no-deprecation', program], { core, port, env })
    },
  }
}

/** Installs the libraries that are no dependencies of this project, from the package registry. */
export function installPeers() {
  const words = Object.entries(exactVersions).map(([name, version]) => `${name}@${version}`)
  const options = ['--prefix', folder, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts']
  execFileSync('npm', ['install', ...options, ...words], { stdio: 'inherit' })
}

/** The file from whose place `require` finds the library; null: it is not installed. */
function resolveFrom(library) {
  const places = [join(folder, 'package.json'), fileURLToPath(import.meta.url)]
  return places.find((place) => isThere(library, place)) ?? null
}

function isThere(library, place) {
  // Not `resolve`: what a package exports is its own affair.
  const folders = createRequire(place).resolve.paths(library) ?? []
  return folders.some((modules) => existsSync(join(modules, library)))
}
