import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { toCamel } from '../../src/cli/canonical.ts'
import { knownCommands } from '../../src/cli/known-commands.ts'
import { declareOptions } from '../../src/cli/options.ts'
import cservice from '../../src/index.ts'
import { defaultOptions } from '../../src/library/options.ts'
import { settingsSchema, workerSchema } from '../../src/settings/schema.ts'
import { entryOptionNames } from '../../src/supervisor/plain/make-entry.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/from-cluster-service.md', import.meta.url)), 'utf8')

/** What stands in the code spans of one chapter; of the whole page without one. */
function namesIn(chapter = ''): ReadonlySet<string> {
  const text = chapter === '' ? page : (page.split('\n## ').find((part) => part.startsWith(chapter)) ?? '')
  const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
  return new Set(spans.flatMap((code) => code.match(/[$\w]+/g) ?? []))
}

function missing(names: Iterable<string>, chapter?: string): string[] {
  const present = namesIn(chapter)
  return [...names].filter((name) => !present.has(name))
}

test('the page has every option of a service, ours and those of the old package', () => {
  const old = ['workers', 'workerCount', 'accessKey', 'host', 'port', 'config', 'cli', 'ssl', 'run', 'json', 'silent']
  const more = ['allowHttpGet', 'restartOnMemUsage', 'restartOnUpTime', 'restartConcurrencyRatio', 'restartDelayMs']
  const last = ['restartsPerMinute', 'commands', 'master', 'proxy', 'workerGid', 'workerUid', 'log', 'error', 'debug']
  const gone = ['colors', 'silentMode']
  const ours = [...Object.keys(settingsSchema.shape), ...Object.keys(defaultOptions)]
  expect(missing([...old, ...more, ...last, ...gone, ...ours], 'Options')).toEqual([])
})

test('the page has every option of the command line', () => {
  const names = declareOptions()
    .options.filter(({ negate, long }) => !negate && long !== '--help' && long !== '--version')
    .map(({ long }) => toCamel(long?.slice(2) ?? ''))
  expect(missing(names)).toEqual([])
})

test('the page has every key of a worker', () => {
  expect(missing([...Object.keys(workerSchema.shape), 'cwd', 'count'], 'The workers object')).toEqual([])
  expect(missing(entryOptionNames)).toEqual([])
})

test('the page has every command', () => {
  const hidden = ['locals', 'options', 'workerStart', 'workerExit']
  expect(missing([...knownCommands, ...hidden], 'Commands')).toEqual([])
})

test('the page has every member of the library, and of its parts', () => {
  const parts = [cservice.proxy, cservice.msgBus, cservice.netServers, cservice.locals]
  expect(missing([...Object.keys(cservice), ...parts.flatMap((part) => Object.keys(part))])).toEqual([])
})

test('links within the page lead somewhere', () => {
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  const anchors = [...page.matchAll(/<a id="([\w-]+)">/g)].map(([, id]) => id)
  const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target)
  expect(targets.filter((target) => ![...headings, ...anchors].includes(target ?? ''))).toEqual([])
  expect(new Set(anchors).size).toBe(anchors.length)
})
