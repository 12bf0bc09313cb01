import { isObject, renderScalar, renderTable, renderValue } from './render-value.ts'
import { style } from './style.ts'

/** `proxy why` for people: where the request would go, and who was asked in which order. */
export function renderWhy({ version, by, error, steps, state, wouldStart, target, cookies }: Record<string, unknown>) {
  const verdict =
    version === null
      ? style('red', `No version: ${renderScalar(error)}`)
      : `${style('green', renderScalar(version))}, by ${renderScalar(by)}`
  const details = {
    ...(version === null ? {} : { state: wouldStart ? `${renderScalar(state)}: the request would start it` : state }),
    ...(target === null ? {} : { 'worker gets': target }),
    ...(Array.isArray(cookies) && cookies.length > 0 ? { cookies } : {}),
  }
  const rows = Array.isArray(steps) ? steps.filter(isObject) : []
  const table = renderTable(
    ['selector', 'found', 'result'],
    rows.map(({ selector, found, result }) => [selector, found, result].map(renderScalar)),
  )
  return [verdict, Object.keys(details).length === 0 ? '' : renderValue(details), table]
    .filter((part) => part !== '')
    .join('\n\n')
}
