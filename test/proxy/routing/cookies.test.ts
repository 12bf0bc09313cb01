import { expect, test } from 'vitest'
import { cookieValues, withoutBlanks } from '../../../src/proxy/routing/cookies.ts'

test('a byte that only looks like a blank is a part of the cookie', () => {
  expect(cookieValues(['a=1;\t__Host-a = 2 ; \xa0__Host-a=3; b=Voil\xc3\xa0'], '__Host-a')).toEqual(['2'])
  expect(cookieValues(['b=Voil\xc3\xa0'], 'b')).toEqual(['Voil\xc3\xa0'])
})

test('many blanks in the middle take no time', () => {
  const text = `a${' '.repeat(200_000)}b`
  expect(withoutBlanks(` \t${text}\t `)).toBe(text)
})
