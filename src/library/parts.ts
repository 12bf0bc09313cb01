import type { Callback, Cservice, DeployOptions, ProxyCommands, ServiceWorker, ServiceWorkers } from './cservice.ts'
import { findCallback, settle } from './settle.ts'

/**
 * The form of `trigger` that users call, from the one that we implement. Who takes no notice of the promise has fired an
 * event: that it fails must not end his process.
 */
export function triggerForm(
  trigger: (name: string, args: readonly unknown[]) => Promise<unknown>,
): Cservice['trigger'] {
  return ((name: string, ...rest: readonly unknown[]) => {
    const callback = typeof rest[0] === 'function' ? (rest[0] as Callback) : undefined
    const answer = trigger(name, callback === undefined ? rest : rest.slice(1))
    answer.catch(() => {})
    return settle(answer, callback)
  }) as Cservice['trigger']
}

export function proxyCommands(trigger: (name: string, args: readonly unknown[]) => Promise<unknown>): ProxyCommands {
  const count = (options: unknown) => {
    const { workerCount } = (options ?? {}) as { workerCount?: unknown }
    return workerCount === undefined || typeof options === 'function' ? [] : [workerCount]
  }
  const run =
    (words: (...given: readonly unknown[]) => readonly unknown[]) =>
    (...given: readonly unknown[]) => {
      const answer = trigger('proxy', words(...given))
      return settle(answer, findCallback(...given))
    }
  return {
    start: run((options) => ['start', (options as { configPath?: unknown } | undefined)?.configPath]),
    stop: run(() => ['stop']),
    version: run((version, options) => ['version', version, ...count(options)]),
    promote: run((version, options) => ['promote', version, ...count(options)]),
    info: run(() => ['info']),
    deploy: run((source, options) => ['deploy', source, ...deployWords(options)]),
  } as ProxyCommands
}

function deployWords(options: unknown): string[] {
  if (typeof options !== 'object' || options === null) return []
  const { as, promote, sha256, dryRun } = options as DeployOptions
  return [
    ...(as === undefined ? [] : ['--as', as]),
    ...(promote === undefined || promote === false
      ? []
      : ['--promote', ...(promote === true ? [] : [String(promote)])]),
    ...(sha256 === undefined ? [] : ['--sha256', sha256]),
    ...(dryRun === true ? ['--dry-run'] : []),
  ]
}

/** An array of workers that can be spoken to together. */
export function workersArray(workers: readonly ServiceWorker[]): ServiceWorkers {
  const send = (message: unknown) => {
    // A channel that breaks meanwhile is an exit, which is handled elsewhere.
    for (const worker of workers) if (worker.isConnected()) worker.send(message as object, () => {})
  }
  return Object.assign([...workers], { send }) as unknown as ServiceWorkers
}
