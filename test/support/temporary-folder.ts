import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OnFinish, onTestFinish } from './on-finish.ts'

/** An empty folder that is removed when the test is over. Its path is real: no link in it. */
export function temporaryFolder(onFinish: OnFinish = onTestFinish): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'cservice-test-'))
  onFinish(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
