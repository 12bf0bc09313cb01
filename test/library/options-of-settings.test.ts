import { expect, test } from 'vitest'
import { toOptions } from '../../src/library/options-of-settings.ts'
import { resolveSettings } from '../../src/settings/resolve-settings.ts'

test('workers that are added later are what their siblings are: the same user, limits and arguments', async () => {
  const limits = { restartOnMemUsage: 5_000, restartOnUpTime: 60, restartOnUnresponsive: true, restartDelayMs: 7 }
  const given = { workerUid: 'nobody', workerCount: 3, silent: true, args: ['--verbose'], ...limits }
  const { settings } = await resolveSettings({ ...given, port: 1234, commands: 'a,b' })
  const again = await resolveSettings(toOptions(settings))
  expect(settings.workerDefaults.uid).toBeGreaterThan(0)
  expect(again.settings).toEqual(settings)
  expect(again.warnings).toEqual([])
})
