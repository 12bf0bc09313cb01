import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A file of each kind: what it imports, and whether the layers allow it. */
const allowed: ReadonlyArray<readonly [file: string, imports: string]> = [
  ['src/common/sub/a.ts', '../errors.ts'],
  ['src/common/log.ts', 'pino'],
  ['src/common/config/a.ts', 'zod'],
  ['src/common/config/b.ts', 'jsonc-parser'],
  ['src/settings/a.ts', 'zod'],
  ['src/settings/b.ts', '../supervisor/pool.ts'],
  ['src/supervisor/a.ts', '../common/errors.ts'],
  ['src/supervisor/control/a.ts', '../pool.ts'],
  ['src/proxy/a.ts', '../supervisor/pool.ts'],
  ['src/proxy/config/a.ts', 'zod'],
  ['src/proxy/certificates/issue-certificate.ts', 'node-forge'],
  ['src/proxy/certificates/a.ts', '../dataplane/tls-server.ts'],
  ['src/proxy/dataplane/a.ts', '../messages.ts'],
  ['src/proxy/dataplane/b.ts', '../routing/select.ts'],
  ['src/proxy/dataplane/c.ts', '../../common/errors.ts'],
  ['src/proxy/dataplane/d.ts', './gate.ts'],
  ['src/proxy/dataplane/e.ts', 'http-proxy'],
  ['src/proxy/dataplane/lanes/a.ts', '../gate.ts'],
  ['src/proxy/dataplane/lanes/b.ts', '../../routing/select.ts'],
  ['src/cli/a.ts', 'commander'],
  ['src/cli/b.ts', '../library/program.ts'],
  ['src/library/a.ts', '../service.ts'],
]
const forbidden: ReadonlyArray<readonly [file: string, imports: string]> = [
  ['src/common/up-1.ts', '../supervisor/pool.ts'],
  ['src/common/up-2.ts', '../proxy/messages.ts'],
  ['src/common/sub/up-3.ts', '../../cli/cservice.ts'],
  ['src/common/up-4.ts', '../index.ts'],
  ['src/common/up-5.ts', '../service.ts'],
  ['src/common/logs-itself.ts', 'pino'],
  ['src/common/validates.ts', 'zod'],
  ['src/common/config/up-6.ts', '../../settings/schema.ts'],
  ['src/settings/up-1.ts', '../service.ts'],
  ['src/settings/up-2.ts', '../cli/options.ts'],
  ['src/supervisor/plain/up-5.ts', '../../settings/schema.ts'],
  ['src/proxy/up-4.ts', '../settings/schema.ts'],
  ['src/supervisor/up-1.ts', '../proxy/messages.ts'],
  ['src/supervisor/up-2.ts', '../cli/cservice.ts'],
  ['src/supervisor/control/up-3.ts', '../../service.ts'],
  ['src/supervisor/control/up-4.ts', '../../index.ts'],
  ['src/common/up-6.ts', '../library/program.ts'],
  ['src/supervisor/up-5.ts', '../library/program.ts'],
  ['src/proxy/up-4.ts', '../library/program.ts'],
  ['src/proxy/up-1.ts', '../cli/cservice.ts'],
  ['src/proxy/commands/up-2.ts', '../../service.ts'],
  ['src/proxy/commands/up-3.ts', '../../index.ts'],
  ['src/proxy/validates.ts', 'zod'],
  ['src/cli/validates.ts', 'zod'],
  ['src/proxy/proxies.ts', 'http-proxy'],
  ['src/proxy/dataplane/control-1.ts', '../gateway.ts'],
  ['src/proxy/dataplane/control-2.ts', '../config/proxy-config.ts'],
  ['src/proxy/dataplane/control-3.ts', '../../supervisor/pool.ts'],
  ['src/proxy/dataplane/lanes/control-4.ts', '../../gateway.ts'],
  ['src/proxy/dataplane/lanes/control-5.ts', '../../../supervisor/pool.ts'],
  ['src/proxy/dataplane/validates.ts', 'zod'],
  ['src/proxy/dataplane/issues.ts', 'node-forge'],
  ['src/proxy/dataplane/control-6.ts', '../certificates/load-certificates.ts'],
  ['src/proxy/certificates/issues.ts', 'node-forge'],
  ['src/proxy/certificates/up-1.ts', '../../cli/cservice.ts'],
]

describe('the layers', () => {
  let complaints: ReadonlyMap<string, ReadonlySet<string>>

  beforeAll(() => {
    const undo: Array<() => void | Promise<void>> = []
    const folder = temporaryFolder((work) => undo.push(work))
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    for (const [file, source] of [...allowed, ...forbidden]) {
      write(file, `import { thing } from '${source}'\n\nexport const other = thing\n`)
    }
    write(
      'src/proxy/imports-a-type.ts',
      "import type { Thing } from '../cli/cservice.ts'\n\nexport type Other = Thing\n",
    )
    write('src/proxy/imports-late.ts', "export const other = await import('../cli/cservice.ts')\n")
    write('src/proxy/cycle-1.ts', "import { two } from './cycle-2.ts'\n\nexport const one = () => two()\n")
    write('src/proxy/cycle-2.ts', "import { one } from './cycle-1.ts'\n\nexport const two = () => one()\n")
    write('src/proxy/prints.ts', "console.log('hello')\n")
    write('src/cli/prints.ts', "console.log('hello')\n")
    complaints = lint(folder)
    return async () => {
      for (const work of undo) await work()
    }
  })

  it.each(allowed)('%s may import %s', (file) => {
    expect(complaints.get(file) ?? new Set()).toEqual(new Set())
  })

  it.each(forbidden)('%s may not import %s', (file) => {
    expect(complaints.get(file)).toContain('lint/style/noRestrictedImports')
  })

  it('hold for types and for imports at run time as well', () => {
    expect(complaints.get('src/proxy/imports-a-type.ts')).toContain('lint/style/noRestrictedImports')
    expect(complaints.get('src/proxy/imports-late.ts')).toContain('lint/style/noRestrictedImports')
  })

  it('allow no cycle of imports', () => {
    expect(complaints.get('src/proxy/cycle-1.ts')).toContain('lint/suspicious/noImportCycles')
    expect(complaints.get('src/proxy/cycle-2.ts')).toContain('lint/suspicious/noImportCycles')
  })

  it('let only the command line print', () => {
    expect(complaints.get('src/proxy/prints.ts')).toContain('lint/suspicious/noConsole')
    expect(complaints.get('src/cli/prints.ts') ?? new Set()).toEqual(new Set())
  })
})

/** The rules that each file breaks under our own biome.json. */
function lint(folder: string): Map<string, Set<string>> {
  copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'))
  execFileSync('git', ['init', '--quiet', folder]) // biome.json asks git which files to leave out
  writeFileSync(join(folder, '.gitignore'), '')
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [biome, 'lint', '--max-diagnostics=none', '--reporter=github', '.'],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status !== 1) throw new Error(`biome was expected to find faults, but ended with ${status}: ${stdout}${stderr}`)
  const complaints = new Map<string, Set<string>>()
  for (const [, rule, file] of stdout.matchAll(/title=([^,]+),file=([^,]+)/g)) {
    if (rule === undefined || file === undefined) continue
    const key = file.slice(file.lastIndexOf('src/'))
    complaints.set(key, (complaints.get(key) ?? new Set()).add(rule))
  }
  return complaints
}
