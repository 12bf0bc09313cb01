import type { ServiceSettings } from '../settings/service-settings.ts'
import type { StartOptions } from './options.ts'

/** The settings in the words in which a program gives them. */
export function toOptions({ workers, accessKey, ssl, master, proxy, ...settings }: ServiceSettings): StartOptions {
  const { port, host, cli, allowHttpGet, restartConcurrencyRatio, commands, workerDefaults } = settings
  return {
    port,
    host,
    cli,
    allowHttpGet,
    restartConcurrencyRatio,
    commands,
    workerCount: workerDefaults.count,
    workers: Object.fromEntries(
      workers.map(({ name, file, cwd, count, isImmune }) => [name, { worker: file, cwd, count, restart: !isImmune }]),
    ),
    accessKey: accessKey ?? undefined,
    ssl: ssl ?? undefined,
    master: master ?? undefined,
    proxy: proxy ?? undefined,
  }
}
