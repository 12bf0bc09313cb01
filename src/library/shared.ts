/**
 * What all copies of this library in one process share: the first one that is loaded makes it. Several copies are usual: a
 * worker and what it depends on may each have installed their own.
 */
export function shared<Value extends object>(name: string, make: () => Value): Value {
  const global = globalThis as { [key: symbol]: unknown }
  const key = Symbol.for(name)
  const present = global[key] as Value | undefined
  if (present !== undefined) return present
  const value = make()
  Object.defineProperty(global, key, { value, configurable: true })
  return value
}
