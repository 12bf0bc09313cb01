import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  isPrivateDirectory,
  openRuntimeDirectory,
  runtimeDirectoryCandidates,
  runtimeDirectoryPath,
} from '../../src/common/runtime-directory.ts'
import { setEnvironment, temporaryDirectory } from '../supervisor/control/resources.ts'

test('each control port has a directory that only its owner can enter', () => {
  const base = temporaryDirectory()
  setEnvironment({ XDG_RUNTIME_DIR: base })
  const one = openRuntimeDirectory(11987)
  const other = openRuntimeDirectory(11988)
  expect(one).toBe(join(base, 'cservice', '11987'))
  expect(one).not.toBe(other)
  expect(statSync(one).mode & 0o777).toBe(0o700)
  expect(statSync(join(base, 'cservice')).mode & 0o777).toBe(0o700)
  expect(openRuntimeDirectory(11987)).toBe(one)
  expect(isPrivateDirectory(one)).toBe(true)
})

test('without XDG_RUNTIME_DIR, or with one that is not ours, it is in the temporary directory', () => {
  const temporary = temporaryDirectory()
  const expected = join(temporary, `cservice-${process.geteuid?.()}`, '7')
  for (const XDG_RUNTIME_DIR of [undefined, '', 'relative', join(temporary, 'missing')]) {
    setEnvironment({ XDG_RUNTIME_DIR, TMPDIR: temporary })
    expect(runtimeDirectoryPath(7)).toBe(expected)
  }
  expect(openRuntimeDirectory(7)).toBe(expected)
})

test('a client also looks where a service with another environment would be', () => {
  const [base, temporary] = [temporaryDirectory(), temporaryDirectory()]
  setEnvironment({ XDG_RUNTIME_DIR: base, TMPDIR: temporary })
  expect(runtimeDirectoryCandidates(7)).toEqual([
    join(base, 'cservice', '7'),
    join(temporary, `cservice-${process.geteuid?.()}`, '7'),
  ])
})

test('a directory that is open to others is refused with the command that closes it', () => {
  const base = temporaryDirectory()
  setEnvironment({ XDG_RUNTIME_DIR: base })
  const path = openRuntimeDirectory(1)
  chmodSync(path, 0o750)
  expect(isPrivateDirectory(path)).toBe(false)
  expect(() => openRuntimeDirectory(1)).toThrowError(
    expect.objectContaining({
      code: 'UNSAFE_DIRECTORY',
      message: expect.stringContaining('0750'),
      hint: `Close it: chmod 700 ${path}`,
    }),
  )
})

test('a symbolic link in its place is refused', () => {
  const base = temporaryDirectory()
  setEnvironment({ XDG_RUNTIME_DIR: base })
  mkdirSync(join(base, 'elsewhere'), { mode: 0o700 })
  symlinkSync(join(base, 'elsewhere'), join(base, 'cservice'))
  expect(() => openRuntimeDirectory(1)).toThrowError(
    expect.objectContaining({ code: 'UNSAFE_DIRECTORY', message: expect.stringContaining('symbolic link') }),
  )
})

test('a path too long for a socket is refused with a way out', () => {
  const base = join(temporaryDirectory(), 'long'.repeat(25))
  mkdirSync(base)
  setEnvironment({ XDG_RUNTIME_DIR: base })
  expect(() => openRuntimeDirectory(1)).toThrowError(
    expect.objectContaining({
      code: 'UNSAFE_DIRECTORY',
      message: expect.stringContaining('too long'),
      hint: expect.stringContaining('XDG_RUNTIME_DIR'),
    }),
  )
})
