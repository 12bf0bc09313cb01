import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { type OnFinish, onTestFinish } from './on-finish.ts'

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A Chromium of this machine, or the one that CHROMIUM names; undefined: there is none. */
export const browserPath = [process.env.CHROMIUM ?? '', ...candidates].find((path) => path !== '' && existsSync(path))

export async function startBrowser(onFinish: OnFinish = onTestFinish): Promise<Browser> {
  // Its sandbox needs rights that a container has not; what it loads is ours.
  const browser = await chromium.launch({ executablePath: browserPath ?? '', args: ['--no-sandbox'] })
  onFinish(() => browser.close())
  return browser
}

/** An answer that a tab got. */
export interface TabAnswer {
  readonly path: string
  readonly status: number
  /** The version, without why; empty where the answer does not say. */
  readonly version: string
}

/** A page in a browser, and every answer that it got. */
export class Tab {
  readonly page: Page
  /** Of the page that it shows now. */
  readonly #answers: TabAnswer[] = []
  readonly #failures: string[] = []

  private constructor(page: Page, network: CDPSession) {
    this.page = page
    const cached = new Set<string>()
    network.on('Network.requestServedFromCache', ({ requestId }) => cached.add(requestId))
    network.on('Network.responseReceived', ({ requestId, type, response }) => {
      // What a page before this one has still fetched, ahead of need, is not this one's.
      if (type === 'Document') this.#answers.length = 0
      // Nobody was asked: a file that two versions have in common, by the hash in its name.
      if (cached.has(requestId) || response.fromDiskCache || response.fromPrefetchCache) return
      const served = Object.entries(response.headers).find(([name]) => name.toLowerCase() === 'x-served-version')?.[1]
      const version = /^[^;]*/.exec(served ?? '')?.[0] ?? ''
      this.#answers.push({ path: new URL(response.url).pathname, status: response.status, version })
    })
    page.on('pageerror', ({ message }) => this.#failures.push(message))
    page.on('requestfailed', (request) => this.#failures.push(`${request.url()}: ${request.failure()?.errorText}`))
  }

  /** Tabs of one context share their cookies. */
  static async open(context: BrowserContext): Promise<Tab> {
    const page = await context.newPage()
    const network = await context.newCDPSession(page)
    await network.send('Network.enable')
    return new Tab(page, network)
  }

  /** Answers since the last call, but for the icon that browsers ask for by themselves. */
  takeAnswers(): TabAnswer[] {
    return this.#answers.splice(0).filter(({ path }) => path !== '/favicon.ico')
  }

  /** Scripts that failed and requests that were not answered, since the last call. */
  takeFailures(): string[] {
    return this.#failures.splice(0)
  }
}
