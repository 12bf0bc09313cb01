import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/proxy/config/load-config.ts'
import { judgeKeyMode, judgeValidity } from '../../../src/proxy/doctor/check-certificates.ts'
import { judgeClock } from '../../../src/proxy/doctor/check-clock.ts'
import { judgeDisk, judgeOwner } from '../../../src/proxy/doctor/check-folders.ts'
import { judgeControlPath, judgeRunning } from '../../../src/proxy/doctor/check-gateway.ts'
import { judgeLeftovers } from '../../../src/proxy/doctor/check-leftovers.ts'
import { judgeLimits, parseLimit } from '../../../src/proxy/doctor/check-limits.ts'
import { judgeNode } from '../../../src/proxy/doctor/check-node.ts'
import { judgeExposure, judgePort, judgeRange, parseRanges } from '../../../src/proxy/doctor/check-ports.ts'
import { judgeVersions, type VersionFolder } from '../../../src/proxy/doctor/check-versions.ts'
import { type Finding, Findings } from '../../../src/proxy/doctor/finding.ts'
import { parseSockets } from '../../../src/proxy/doctor/listening-sockets-of-system.ts'

/** What a judgement that writes into findings says: each with its severity. */
function said(judge: (findings: Findings) => void): string[] {
  const findings = new Findings('x')
  judge(findings)
  return told(findings.end('well'))
}

function told(findings: readonly Finding[]): string[] {
  for (const { severity, advice } of findings)
    if (severity === 'warning' || severity === 'problem') expect(advice).toMatch(/\S/)
  return findings.map(({ severity, found }) => `${severity}: ${found}`)
}

function configOf(value: Record<string, unknown>) {
  return parseConfig(JSON.stringify(value), '/srv/app/proxy.json').config
}

test.each([
  ['20.20.2', 'ok'],
  ['20.18.9', 'problem'],
  ['18.20.0', 'problem'],
  ['23.1.0', 'warning'],
  ['24.0.0-nightly', 'ok'],
])('Node %s: %s', (version, severity) => {
  expect(judgeNode(version).map((finding) => finding.severity)).toEqual([severity])
})

describe('the clock', () => {
  const now = Date.parse('2026-05-01T00:00:00Z')
  test('is well where no file is ahead of it', () => {
    expect(told(judgeClock(now, [{ path: 'a', changedAt: now + 59_000 }]))).toEqual([
      'ok: the clock says 2026-05-01T00:00:00.000Z',
    ])
  })
  test('is suspect where a file was changed in the future, and wrong before this package was made', () => {
    expect(told(judgeClock(now, [{ path: 'a', changedAt: now + 61_000 }]))[0]).toMatch(
      /^warning: a was changed 61 s in the future/,
    )
    expect(told(judgeClock(0, []))[0]).toMatch(/^problem: the clock says 1970-01-01/)
  })
})

test('a disk is too full to go on, or soon, or has no room for more files', () => {
  const disk = (free: number, freeFiles: number | null = null) =>
    said((findings) => judgeDisk({ path: '/srv', free: free * 1024 * 1024, freeFiles }, findings))
  expect(disk(19)).toEqual(['problem: /srv has 19 MiB left on its disk'])
  expect(disk(499)).toEqual(['warning: /srv has 499 MiB left on its disk'])
  expect(disk(500)).toEqual(['ok: well'])
  expect(disk(500, 999)).toEqual(['problem: the disk of /srv can take 999 more files'])
})

test('what others may change or read is told, with the command that closes it', () => {
  const owned = { path: '/srv/proxy.json', mode: 0o100644, uid: 1000, isSecret: false }
  const judge = (change: object, us = 1000) => said((findings) => judgeOwner({ ...owned, ...change }, us, findings))
  expect(judge({})).toEqual(['ok: well'])
  expect(judge({ mode: 0o100666 })).toEqual(['warning: every user of this machine may write /srv/proxy.json'])
  expect(judge({ isSecret: true })).toEqual([expect.stringMatching(/^warning: every user .* may read .* secret/)])
  expect(judge({ uid: 0 })).toEqual(['ok: well'])
  expect(judge({}, 1001)).toEqual(['ok: well', expect.stringMatching(/^note: .* belongs to user 1000/)])
})

describe('ports', () => {
  test.each([
    ['free', 'ok: well'],
    ['ours', 'ok: well'],
    ['taken', 'problem: port 80 is taken by another program'],
    ['forbidden', 'problem: this user may not listen on port 80'],
    [{ error: 'no such address' }, 'problem: port 80 cannot be opened: no such address'],
  ] as const)('%j', (state, expected) => {
    expect(said((findings) => judgePort('port 80', state, findings))).toEqual([expected])
  })

  test('of workers must not be those that the system gives to outgoing connections, unless they are reserved', () => {
    const range = (min: number, max: number, reserved = '') =>
      said((findings) => judgeRange({ min, max }, { min: 32_768, max: 60_999 }, parseRanges(reserved), findings))
    expect(range(11_000, 32_767)).toEqual(['ok: well'])
    expect(range(32_000, 33_000)).toEqual([expect.stringMatching(/^warning: versionPorts 32000-33000 .* overlap/)])
    expect(range(32_000, 33_000, '80,32768-33000')).toEqual(['ok: well'])
  })

  test('of workers that can be reached from elsewhere are told, those on loopback are not', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue',
      '   0: 0100007F:2AF8 00000000:0000 0A 0', // 127.0.0.1:11000
      '   1: 00000000:2AF9 00000000:0000 0A 0', // 0.0.0.0:11001
      '   2: 00000000:2AFA 00000000:0000 01 0', // established
      '   3: 00000000:0050 00000000:0000 0A 0', // port 80
      '   4: 00000000000000000000000001000000:2AFB 00000000000000000000000000000000:0000 0A', // [::1]:11003
      '   5: 0000000000000000FFFF00000100007F:2AFC 00000000000000000000000000000000:0000 0A', // [::ffff:127.0.0.1]:11004
      '   6: 00000000000000000000000000000000:2AFD 00000000000000000000000000000000:0000 0A', // [::]:11005
      '',
    ].join('\n')
    const found = said((findings) => judgeExposure({ min: 11_000, max: 11_010 }, parseSockets(table), findings))
    expect(found).toEqual([expect.stringMatching(/^warning: .* on ports of versionPorts \(11001, 11005\)/)])
    expect(said((findings) => judgeExposure({ min: 12_000, max: 12_010 }, parseSockets(table), findings))).toEqual([
      'ok: well',
    ])
  })
})

describe('limits', () => {
  const config = configOf({ workerCount: 4, maxConnections: 1_000, bindings: [{ port: 80, workerCount: 2 }] })
  const none = { files: null, memory: null, processes: null, backlog: null }
  test('that are not there limit nothing', () => {
    expect(told(judgeLimits(config, none))).toEqual(['ok: 9 processes fit'])
    expect(told(judgeLimits(config, { files: 2_100, memory: 1e9, processes: 200, backlog: 4096 }))).toEqual([
      'ok: 9 processes fit',
    ])
  })
  test('that are too low are told with what would fit', () => {
    const files = judgeLimits(config, { ...none, files: 1_024 })
    expect(told(files)).toEqual([
      expect.stringMatching(/^warning: a process may have 1024 open files, enough for 462 /),
    ])
    expect(files[0]?.advice).toMatch(/set maxConnections to 462/)
    expect(told(judgeLimits(config, { ...none, memory: 256 * 1024 * 1024 }))).toEqual([
      expect.stringMatching(/256 MiB/),
    ])
    expect(told(judgeLimits(config, { ...none, processes: 50 }))).toEqual([
      expect.stringMatching(/^warning: 50 processes/),
    ])
    expect(told(judgeLimits(config, { ...none, backlog: 128 }))[1]).toMatch(/^note: 128 connections/)
  })
  test('are read from what the system says', () => {
    const text =
      'Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\nMax processes             unlimited            unlimited            processes\n'
    expect(parseLimit(text, 'Max open files')).toBe(524_288)
    expect(parseLimit(text, 'Max processes')).toBeNull()
    expect(parseLimit('', 'Max open files')).toBeNull()
  })
})

test('a certificate that has expired is a problem, one that soon will a warning; a key that all may read as well', () => {
  const judge = (warning: string | null) => said((findings) => judgeValidity('a.pem', warning, findings))
  expect(judge(null)).toEqual(['ok: well'])
  expect(judge('expires in 3 days')).toEqual(['warning: the certificate a.pem expires in 3 days'])
  expect(judge('expired 3 days ago: clients refuse it')[0]).toMatch(/^problem: /)
  expect(judge('is not valid before tomorrow: clients refuse it')[0]).toMatch(/^problem: /)
  expect(said((findings) => judgeKeyMode('a.key', 0o100600, findings))).toEqual(['ok: well'])
  expect(said((findings) => judgeKeyMode('a.key', 0o100644, findings))[0]).toMatch(/^warning: .* private key in a\.key/)
})

describe('versions', () => {
  const folder = (name: string, change: Partial<VersionFolder> = {}): VersionFolder => ({
    name,
    workerFile: `/srv/app/${name}/worker.js`,
    canRun: true,
    engines: null,
    ...change,
  })
  const judge = (config: Record<string, unknown>, ...folders: VersionFolder[]) =>
    told(judgeVersions(configOf(config), folders, '20.19.0'))

  test('are well where the live one is there', () => {
    expect(judge({ defaultVersion: 'v1' }, folder('v1'), folder('v2', { engines: '>=18' }))).toEqual([
      'ok: 2 in /srv/app, v1 is live',
    ])
  })
  test('that are named and not there are told', () => {
    const names = {
      defaultVersion: 'v9',
      aliases: { next: 'v3', two: '^2', one: '1.x', first: 'v1' },
      mirror: { version: 'v4', share: 5 },
    }
    expect(judge(names, folder('v1'))).toEqual([
      expect.stringMatching(/^problem: the live version v9 is not in/),
      'warning: mirror names v4, which is no version here',
      'warning: the alias next names v3, which is no version here',
      'warning: the alias two names ^2, which is no version here',
    ])
    expect(judge({}, folder('v1'))).toEqual([expect.stringMatching(/^warning: no version is live/)])
    expect(judge({ defaultVersion: 'v1' })[0]).toBe('problem: there is no version in /srv/app')
  })
  test('that cannot run, or want another Node, are told, and what is no version is noted', () => {
    const found = judge(
      { defaultVersion: 'v1' },
      folder('v1', { canRun: false }),
      folder('v2', { engines: '>=22' }),
      folder('empty', { workerFile: null }),
      folder('my app'),
      folder('.staging', { workerFile: null }),
      folder('node_modules', { workerFile: null }),
    )
    expect(found).toEqual([
      'problem: /srv/app/v1/worker.js of v1 is not executable',
      'warning: v2 wants Node >=22, and gets 20.19.0',
      expect.stringMatching(/^note: no version can be called "my app"/),
      'note: folders without worker.js, which are no versions: "empty"',
    ])
  })
})

test('what is left over is told, but for what a gateway that runs deals with itself', () => {
  const left = { staging: ['/s'], trash: ['/t'], pids: [4, 5] }
  expect(told(judgeLeftovers(left, true))).toEqual(['ok: nothing is left over', expect.stringMatching(/^note: \/s /)])
  expect(told(judgeLeftovers(left, false))).toEqual([
    expect.stringMatching(/^note: \/s /),
    expect.stringMatching(/^note: \/t /),
    'warning: processes of a gateway that does not answer are there: 4, 5',
  ])
})

test('a control socket that others can reach is a problem', () => {
  const judge = (mode: number, allowed: number) =>
    said((findings) => judgeControlPath({ path: '/r', mode, allowed }, findings))
  expect(judge(0o140600, 0o600)).toEqual(['ok: well'])
  expect(judge(0o40700, 0o700)).toEqual(['ok: well'])
  expect(judge(0o40750, 0o700)).toEqual([expect.stringMatching(/^problem: \/r is open to others \(mode 0750\)/)])
})

test('a gateway that runs is held against what is installed, and says itself what is wrong', () => {
  const running = {
    version: '1.0.0',
    configFile: '/a/proxy.json',
    ports: [],
    proxyPids: [],
    problems: ['port 80 has 0 of 2'],
  }
  const judge = (version: string, configFile: string) =>
    said((findings) => judgeRunning(running, { version, configFile }, findings))
  expect(judge('1.0.1', '/b/proxy.json')).toEqual([
    'warning: the gateway that runs is 1.0.0, and 1.0.1 is installed',
    'note: the gateway on this control port serves /a/proxy.json, not /b/proxy.json',
    'problem: port 80 has 0 of 2',
  ])
  expect(judge('1.0.0', '/a/proxy.json')).toEqual(['problem: port 80 has 0 of 2'])
})
