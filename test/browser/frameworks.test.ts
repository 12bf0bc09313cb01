import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { run } from '../support/run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { followPage, followTwoTabs } from './skew-story.ts'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))
/** What their pages load says which version it is from. */
const saysItsVersion = new Set(['vite', 'next'])
/** Installing and building takes minutes, and a network. */
const patience = 600_000

// npm run test:frameworks
describe.skipIf(process.env.FRAMEWORKS === undefined)('a page that a framework has built', () => {
  test.each(['vite', 'next', 'nuxt', 'sveltekit'])(
    'goes on with the version that it was loaded from: %s',
    async (framework) => {
      const folder = join(temporaryFolder(), framework)
      cpSync(join(examples, `skew-${framework}`), folder, { recursive: true })
      for (const [program, ...words] of [
        ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'],
        ['node', 'release.mjs', 'v1'],
        ['node', 'release.mjs', 'v2'],
      ] as const) {
        const { code, stdout, stderr } = await run(program, words, { cwd: folder, timeout: patience })
        expect(code, `${stdout}${stderr}`).toBe(0)
      }
      await followPage(join(folder, 'versions'))
      if (saysItsVersion.has(framework)) await followTwoTabs(join(folder, 'versions'))
    },
    patience,
  )
})
