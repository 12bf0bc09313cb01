import type { SelectableRequest } from '../../../src/proxy/routing/selection.ts'

/** A request for tests of selection. Header names in lower case. */
export function asking(
  request: Partial<Omit<SelectableRequest, 'header'>> & {
    readonly headers?: Readonly<Record<string, string | string[]>>
  } = {},
): SelectableRequest {
  const { headers = {}, ...rest } = request
  return {
    versionHeaders: [],
    method: 'GET',
    target: '/',
    host: 'example.test',
    address: '127.0.0.1',
    header: (name) => [headers[name] ?? []].flat(),
    ...rest,
  }
}
