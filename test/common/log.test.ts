import { spawnSync } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'

const log = new URL('../../dist/common/log.js', import.meta.url).href

test.skipIf(!existsSync('/dev/full'))('a disk that is full loses lines of the log, and nothing else', () => {
  const text = `
    import { createLog } from '${log}'
    const log = createLog({ pretty: false })
    for (let line = 0; line < 3; line++) log.error('nobody will read this')
    process.stdout.write('goes on')
  `
  const full = openSync('/dev/full', 'w')
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  })
  expect({ stdout, status }).toEqual({ stdout: 'goes on', status: 0 })
})
