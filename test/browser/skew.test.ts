import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import { browserPath } from '../support/browser.ts'
import { followPage } from './skew-story.ts'

const versions = fileURLToPath(new URL('../../examples/skew-html/versions', import.meta.url))

if (browserPath === undefined)
  console.warn('no Chromium was found (CHROMIUM=<path>): skew protection is not tested in a browser')

describe.skipIf(browserPath === undefined)('a page of plain HTML', () => {
  test('goes on with the version that it was loaded from, until it is loaded again', () => followPage(versions))
})
