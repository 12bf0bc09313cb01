import { expect } from 'vitest'
import { startBrowser, Tab } from '../support/browser.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

/**
 * What a person does with the page of an example: loads it on v1; v2 is promoted; clicks, which loads a script that only v1 has
 * and asks the interface; loads the page again.
 * @param versionPath holds v1 and v2 of an example
 */
export async function followPage(versionPath: string): Promise<void> {
  const folder = await versionFolder({}, { versionPath, defaultVersion: 'v1', skew: true, warmSpares: 0 })
  const gateway = await startGateway(folder)
  const browser = await startBrowser()
  const tab = await Tab.open(await browser.newContext())

  await tab.page.goto(gateway.url, { waitUntil: 'networkidle' })
  expect(await tab.page.textContent('h1')).toBe('Page of v1')
  expectOneVersion(tab, 'v1')

  await gateway.command('proxy', 'promote', 'v2', '1')
  await tab.page.click('button')
  await tab.page.getByText('more of v1, api of v1').waitFor()
  expectOneVersion(tab, 'v1')
  const link = tab.page.locator('a[href^="/about"]')
  if ((await link.count()) > 0) {
    await link.click()
    await tab.page.getByText('About v1').waitFor()
    expectOneVersion(tab, 'v1')
    await tab.page.goBack()
    await tab.page.getByText('Page of v1').waitFor()
    await tab.page.waitForLoadState('networkidle')
    tab.takeAnswers()
  }

  await tab.page.goto(gateway.url, { waitUntil: 'networkidle' })
  expect(await tab.page.textContent('h1')).toBe('Page of v2')
  await tab.page.click('button')
  await tab.page.getByText('more of v2, api of v2').waitFor()
  expectOneVersion(tab, 'v2')
}

/** All that the tab got since the last call is of that version, and nothing was missing. */
export function expectOneVersion(tab: Tab, version: string): void {
  const answers = tab.takeAnswers()
  expect(answers).not.toEqual([])
  expect(answers.filter((answer) => answer.version !== version || answer.status >= 400)).toEqual([])
  expect(tab.takeFailures()).toEqual([])
}
