import { expect } from 'vitest'
import { startBrowser, Tab } from '../support/browser.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

const settings = { defaultVersion: 'v1', skew: true, versionPathPrefix: '/_v/{version}', warmSpares: 0 }

/**
 * What a person does with the page of an example: loads it on v1; v2 is promoted; clicks, which loads a script that only v1 has
 * and asks the interface; loads the page again.
 * @param versionPath holds v1 and v2 of an example
 */
export async function followPage(versionPath: string): Promise<void> {
  const folder = await versionFolder({}, { versionPath, ...settings })
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
    await tab.page.getByRole('heading', { name: 'Page of v1' }).waitFor()
  }

  await tab.page.goto(gateway.url, { waitUntil: 'networkidle' })
  expect(await tab.page.textContent('h1')).toBe('Page of v2')
  await tab.page.click('button')
  await tab.page.getByText('more of v2, api of v2').waitFor()
  expectOneVersion(tab, 'v2')
}

/** One tab is on v1, another one on v2, which was promoted between: each goes on with its own version. */
export async function followTwoTabs(versionPath: string): Promise<void> {
  const folder = await versionFolder({}, { versionPath, ...settings })
  const gateway = await startGateway(folder)
  const context = await (await startBrowser()).newContext()
  const tabs: Tab[] = []
  for (const version of ['v1', 'v2']) {
    await gateway.command('proxy', 'promote', version, '1')
    const tab = await Tab.open(context)
    await tab.page.goto(gateway.url, { waitUntil: 'networkidle' })
    expectOneVersion(tab, version)
    tabs.push(tab)
  }
  for (const [index, tab] of tabs.entries()) {
    const version = `v${index + 1}`
    await tab.page.click('button')
    await tab.page.getByText(`more of ${version}, api of ${version}`).waitFor()
    expectOneVersion(tab, version)
  }
}

/** All that the tab got since the last call is of that version, and nothing was missing. */
export function expectOneVersion(tab: Tab, version: string): void {
  const answers = tab.takeAnswers()
  expect(answers).not.toEqual([])
  expect(answers.filter((answer) => answer.version !== version || answer.status >= 400)).toEqual([])
  expect(tab.takeFailures()).toEqual([])
}
