import type { ServiceSettings } from '../settings/service-settings.ts'
import type { StartOptions } from './options.ts'

/** The settings in the words in which a program gives them. */
export function toOptions({
  workers,
  accessKey,
  ssl,
  master,
  proxy,
  runAs,
  ...settings
}: ServiceSettings): StartOptions {
  const { port, host, cli, allowHttpGet, restartConcurrencyRatio, commands, workerDefaults } = settings
  return {
    port,
    host,
    cli,
    allowHttpGet,
    restartConcurrencyRatio,
    commands,
    workerCount: workerDefaults.count,
    // What is added later is started with these again: a worker must not get more rights than its siblings.
    ...ofDefaults(workerDefaults),
    workers: Object.fromEntries(
      workers.map(({ name, file, cwd, count, isImmune }) => [name, { worker: file, cwd, count, restart: !isImmune }]),
    ),
    accessKey: accessKey ?? undefined,
    ssl: ssl ?? undefined,
    master: master ?? undefined,
    proxy: proxy ?? undefined,
    ...(runAs === null ? {} : { user: runAs.uid, group: runAs.gid }),
  }
}

function ofDefaults({
  args,
  uid,
  gid,
  limits,
  restartDelay,
  isSilent,
}: ServiceSettings['workerDefaults']): StartOptions {
  return {
    silent: isSilent,
    restartDelayMs: restartDelay,
    ...(args.length === 0 ? {} : { args }),
    ...(uid === null ? {} : { workerUid: uid }),
    ...(gid === null ? {} : { workerGid: gid }),
    ...(limits.memory === null ? {} : { restartOnMemUsage: limits.memory }),
    ...(limits.upTime === null ? {} : { restartOnUpTime: limits.upTime }),
    ...(limits.unresponsive === null ? {} : { restartOnUnresponsive: limits.unresponsive }),
  }
}
