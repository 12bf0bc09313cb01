import { expect, test } from 'vitest'
import { isPreface } from '../../../../src/proxy/dataplane/http2/preface.ts'
import { preface } from '../../../support/http2-frames.ts'

test('a preface is known by all of its bytes, and by no fewer', () => {
  for (let length = 0; length < preface.length; length++) expect(isPreface(preface.subarray(0, length))).toBe('more')
  expect(isPreface(preface)).toBe(true)
  expect(isPreface(Buffer.concat([preface, Buffer.from('more')]))).toBe(true)
})

test('what differs in any byte is none', () => {
  for (let index = 0; index < preface.length; index++) {
    const other = Buffer.from(preface)
    other[index] = 0x7e
    expect(isPreface(other)).toBe(false)
  }
  expect(isPreface(Buffer.from('PROPFIND / HTTP/1.1'))).toBe(false)
})
