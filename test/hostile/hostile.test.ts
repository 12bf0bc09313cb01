import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { onFileFinish } from '../support/on-finish.ts'
import { proxyInfo } from '../support/proxy-info.ts'
import { type Arena, openArena } from './arena.ts'
import { attackers, head } from './attackers.ts'
import { connections } from './connections.ts'
import { controlSurface } from './control-surface.ts'
import { http1 } from './http1.ts'
import { http2 } from './http2.ts'
import { names } from './names.ts'
import type { Form, Scenario } from './scenario.ts'
import { tls } from './tls.ts'

const form: Form = process.env.HOSTILE === 'long' ? 'long' : 'short'
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff))
/** How long the well-behaved clients are watched before an attack, in milliseconds. */
const calmMs = form === 'long' ? 2_000 : 100
/** Of a scenario; the long form has the large numbers. */
const timeout = form === 'long' ? 120_000 : 30_000
const only = process.env.ONLY

const onFinish = onFileFinish()
let opened: Promise<Arena> | null = null
const openOnce = () => {
  if (opened === null && form === 'long') console.log(`hostile clients, long form, SEED=${seed}`)
  opened ??= openArena(form, seed, onFinish)
  return opened
}
/** After what has been written to the log already is no line of this scenario's. */
const logOf = (arena: Arena) => arena.gateway.output

const scenarios = [...http1, ...connections, ...http2, ...tls, ...names, ...controlSurface].filter(
  ({ name }) => only === undefined || name.includes(only),
)

test.each(scenarios)(`the neighbours are served, and it is counted: $name (seed ${seed})`, { timeout }, async (one) => {
  const arena = await openOnce()
  const neighbours = arena.neighbours[one.binding]
  await neighbours.since()
  await new Promise((resolve) => setTimeout(resolve, calmMs))
  const calm = await neighbours.since()
  const before = (await proxyInfo(arena.gateway)).refused
  const counts = await one.attack(arena, form)
  const during = await neighbours.since()
  await allCounted(arena, one, before)
  expect(during.failures).toEqual([])
  expect(during.answers).toBeGreaterThan(0)
  expect(counts.open ?? 0, 'connections that were left open').toBe(0)
  for (const code of one.logged ?? []) expect(logOf(arena)).toContain(code)
  check[one.name]?.(counts)
  if (form === 'long') {
    const after = (await proxyInfo(arena.gateway)).refused
    const more = Object.entries(after).map(([code, count]) => [code, count - (before[code] ?? 0)] as const)
    const refused = more.filter(([, count]) => count > 0).map(([code, count]) => `${code} ${count}`)
    const ratio = (during.p99 ?? 0) / (calm.p99 ?? 1)
    const figures = [calm.p99?.toFixed(1), during.p99?.toFixed(1), ratio.toFixed(1), during.answers]
    console.log(`| ${[one.name, ...figures, JSON.stringify(counts), refused.join(', ')].join(' | ')} |`)
  }
})

test(`raw control characters reach neither the access log nor the log nor the terminal (seed ${seed})`, async () => {
  const arena = await openOnce()
  const nasty = ['\x1b[2J\x1b]0;owned\x07', '\x9b31m', '\x0d{"status":200}', '\x00', '\x0a{"forged":true}']
  const forms = nasty.flatMap((bytes) => [
    head(`/${bytes}`),
    head('/get/user-agent', `User-Agent: a${bytes}b`),
    head('/', `X-Version: v${bytes}`),
    head('/', `X-Forwarded-For: ${bytes}`),
    `GET /get/marked%1b%0a%0d HTTP/1.1\r\nHost: a${bytes}\r\n\r\n`,
  ])
  await attackers(forms.length, 5, (index) => ({
    port: arena.ports.plain,
    act: (socket) => void socket.end(Buffer.from(forms[index] ?? '', 'latin1')),
  }))
  await attackers(1, 1, () => ({ port: arena.ports.plain, act: (socket) => void socket.end(head('/get/the-last')) }))
  await eventually('the last line of the access log', () => arena.accessLog().includes('/get/the-last'))
  const lines = arena.accessLog().trimEnd().split('\n')
  for (const line of lines) expect(Object.keys(JSON.parse(line))).toContain('requestId')
  const info = await arena.gateway.cservice('proxy', 'info')
  const why = await arena.gateway.cservice('proxy', 'why', 'GET', '/%1b', '-H', 'x-version: \x1b[2J\x9b31m')
  const places = {
    access: arena.accessLog(),
    log: logOf(arena),
    info: info.stdout + info.stderr,
    why: why.stdout,
    error: why.stderr,
  }
  for (const [place, text] of Object.entries(places))
    expect(
      [...text].filter((character) => /[^\P{Cc}\n\r\t]/u.test(character)),
      place,
    ).toEqual([])
})

/** Waits until each code of the scenario has been counted more often than before. */
async function allCounted(
  arena: Arena,
  { refused }: Scenario,
  before: Readonly<Record<string, number>>,
): Promise<void> {
  await eventually(`more of ${refused.join(', ')} in proxy info`, async () => {
    const after = (await proxyInfo(arena.gateway)).refused
    return refused.every((code) => (after[code] ?? 0) > (before[code] ?? 0))
  })
}

/** What the attacker has to have seen, where that is more than that the gateway lives. */
const check: Readonly<Record<string, (counts: Readonly<Record<string, number>>) => void>> = {
  'web pages, with the right key, at the control port': (counts) => {
    // GET of a command is 405 already; nothing is ever 200.
    expect(Object.keys(counts).filter((status) => !['401', '404', '405'].includes(status))).toEqual([])
  },
  'guesses of the access key': (counts) => {
    expect(counts).toEqual({ 401: 10, 429: counts['429'] ?? 0 })
    expect(counts['429']).toBeGreaterThan(0)
  },
  'a storm of requests for a version that has to be started': (counts) => expect(Object.keys(counts)).toEqual(['200']),
}
