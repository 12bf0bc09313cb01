import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseIdentity } from '../../../src/proxy/dataplane/choose-identity.ts'

const identities = [
  { names: ['example.com', '*.example.com'] },
  { names: ['app.example.com'] },
  { names: ['*.example.com', '*.org'] },
  { names: [] },
]

test.each([
  ['example.com', 0],
  ['EXAMPLE.com.', 0],
  ['www.example.com', 0],
  ['app.example.com', 1], // the very name comes before an earlier wildcard
  ['a.b.example.com', null], // a wildcard is for one label
  ['.example.com', null],
  ['*.example.com', 0],
  ['x.org', 2],
  ['org', null],
  ['', null],
  ['.', null],
  ['127.0.0.1', null],
])('%s gets identity %s', (name, index) => {
  expect(chooseIdentity(identities, name)).toBe(index === null ? null : identities[index])
})

const label = fc.stringMatching(/^[a-z0-9-]{1,6}$/)
const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))

test('whatever is asked for, an identity that is chosen has that name, or a wildcard for exactly its first label', () => {
  const names = fc.array(
    fc.oneof(
      domain,
      domain.map((name) => `*.${name}`),
    ),
    { maxLength: 4 },
  )
  fc.assert(
    fc.property(fc.array(names.map((list) => ({ names: list }))), fc.oneof(domain, fc.string()), (list, name) => {
      const chosen = chooseIdentity(list, name)
      const plain = name.toLowerCase().replace(/\.$/, '')
      const [first = '', ...rest] = plain.split('.')
      const fits = ({ names: own }: { names: string[] }) =>
        own.includes(plain) || (first !== '' && rest.length > 0 && own.includes(['*', ...rest].join('.')))
      expect(chosen === null).toBe(!list.some(fits))
      if (chosen !== null) expect(fits(chosen)).toBe(true)
    }),
  )
})
