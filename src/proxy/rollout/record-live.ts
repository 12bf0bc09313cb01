import { rewriteConfig } from '../config/rewrite-config.ts'
import type { Rollout } from './rollout.ts'

/**
 * Writes into proxy.json that a version is live, and that no rollout is going on any more, both or neither.
 * @returns how to put both back
 * @throws CserviceError CONFIG_WRITE_FAILED
 */
export async function recordLive(file: string, version: string, rollout: Rollout): Promise<() => Promise<void>> {
  const ended = rollout.candidate === null ? {} : { rollout: undefined }
  const rewrite = await rewriteConfig(file, { defaultVersion: version, ...ended })
  const restore = rollout.clear()
  return async () => {
    restore()
    await rewrite.undo()
  }
}
