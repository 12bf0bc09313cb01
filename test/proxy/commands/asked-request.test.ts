import { expect, test } from 'vitest'
import { readAskedRequest } from '../../../src/proxy/commands/asked-request.ts'

function read(...words: string[]) {
  const request = readAskedRequest(words)
  if ('problem' in request) throw new Error(request.problem)
  return { ...request, ...request.selectable('x-version') }
}

test('a path is enough', () => {
  expect(read('/a?b')).toMatchObject({
    method: 'GET',
    target: '/a?b',
    host: 'localhost',
    isSecure: null,
    versionHeaders: [],
  })
})

test('headers are given as for curl, and keep their order', () => {
  const request = read('POST', '/', '-H', 'X-Version: ^2', '--header=Cookie:a=b', '-H', 'cookie: c=d ', '-H', 'Empty:')
  expect(request).toMatchObject({ method: 'POST', versionHeaders: ['^2'] })
  expect(request.header('cookie')).toEqual(['a=b', 'c=d'])
  expect(request.header('empty')).toEqual([''])
})

test('a URL says host and scheme; a Host header counts before it', () => {
  expect(read('https://v2.example.com:8443/a/?b=c#d')).toMatchObject({
    target: '/a/?b=c',
    host: 'v2.example.com:8443',
    isSecure: true,
  })
  expect(read('http://a.test/', '-H', 'Host: b.test')).toMatchObject({ host: 'b.test', isSecure: false })
})

test('the address of the client can be told', () => {
  expect(read('/', '--address', '2001:db8::1').address).toBe('2001:db8::1')
})

test.each([
  [[], 'the path is missing'],
  [['GET', '/', '/b'], 'one word too many'],
  [['a'], 'no path'],
  [['/a b'], 'no path'],
  [['/ä'], 'no path'],
  [['G(T', '/'], 'no method'],
  [['/', '-H'], 'needs a value'],
  [['/', '-H', 'x-version'], 'no header line'],
  [['/', '-H', 'x version: v2'], 'no header line'],
  [['/', '-H', 'x-version: v2\r\nhost: x'], 'no header line'],
  [['/', '-x', 'y'], 'there is no option -x'],
  [['/', '--address', 'here'], 'no IP address'],
])('%j: %s', (words, problem) => {
  expect(() => read(...words)).toThrow(problem)
})
