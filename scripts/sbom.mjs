// A software bill of materials of what is installed with the package, from package-lock.json and node_modules alone: nobody is
// asked. CycloneDX 1.6 in JSON on standard output; with --licences, a line for each package and its licence.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every package that comes with ours, with its licence (SPDX) and the digest of its archive; those for development left out. */
export function runtimePackages() {
  const { packages } = readJson('package-lock.json')
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && !entry.dev && !entry.devOptional)
    .map(([path, { version, integrity, license, optional = false }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      integrity,
      optional,
      license: license ?? licenceOf(path),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function sbom() {
  const { name, version, license } = readJson('package.json')
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: component({ name, version, license }, 'application') },
    components: runtimePackages().map((each) => component(each, 'library')),
  }
}

function component({ name, version, license, integrity, optional }, type) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    type,
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(optional === undefined ? {} : { scope: optional ? 'optional' : 'required' }),
    ...(license === null ? {} : { licenses: [{ expression: license }] }),
    ...(integrity === undefined ? {} : { hashes: [hash(integrity)] }),
  }
}

/** `sha512-<base64>` in the words of CycloneDX. */
function hash(integrity) {
  const [algorithm, digest] = integrity.split(' ', 1)[0].split(/-(.*)/s)
  return {
    alg: algorithm.toUpperCase().replace(/^SHA/, 'SHA-'),
    content: Buffer.from(digest, 'base64').toString('hex'),
  }
}

function licenceOf(path) {
  try {
    return readJson(join(path, 'package.json')).license ?? null
  } catch {
    return null // an optional package of another system
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = runtimePackages().map(({ name, version, license }) => `${name}@${version}  ${license}`)
  process.stdout.write(`${process.argv.includes('--licences') ? lines.join('\n') : JSON.stringify(sbom(), null, 2)}\n`)
}
