import { expect, test } from 'vitest'
import { validityWarning } from '../../../src/proxy/certificates/certificate-warnings.ts'

const day = 24 * 60 * 60 * 1_000
const hour = 60 * 60 * 1_000
const begin = Date.parse('2030-01-01T00:00:00Z')
const dates = (days: number) => ({
  validFrom: new Date(begin).toUTCString(),
  validTo: new Date(begin + days * day).toUTCString(),
})

test.each([
  ['a certificate of 90 days in its middle', 90, 45 * day, null],
  ['15 days before its end', 90, 75 * day, null],
  ['13 days before its end', 90, 77 * day, 'expires in 13 days'],
  ['a day and an hour before its end', 90, 89 * day - hour, 'expires in 25 hours'],
  ['an hour before its end', 90, 90 * day - hour, 'expires in 60 minutes'],
  ['at its end', 90, 90 * day, 'expired 0 minutes ago: clients refuse it'],
  ['a week after its end', 90, 97 * day, 'expired 7 days ago: clients refuse it'],
  ['before its begin', 90, -day, 'is not valid before 2030-01-01T00:00:00.000Z: clients refuse it'],
  ['one of 6 days, 3 days before its end', 6, 3 * day, null],
  ['one of 6 days, in its last third', 6, 4 * day + hour, 'expires in 47 hours'],
])('%s: %#', (_, days, after, expected) => {
  expect(validityWarning(dates(days), begin + after)).toBe(expected)
})
