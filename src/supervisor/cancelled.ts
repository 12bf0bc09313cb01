import { CserviceError } from '../common/errors.ts'
import type { PoolSpec } from './pool-spec.ts'

/** Why nothing comes of a call. */
export function cancelled({ name }: PoolSpec, why: string): CserviceError {
  return new CserviceError('CANCELLED', `${name}: ${why}`)
}

/** Settles with the launch, but one that was called off is no failure of those who merely waited for it. */
export async function unlessCancelled(launched: Promise<unknown>): Promise<void> {
  try {
    await launched
  } catch (error) {
    if (!(error instanceof CserviceError && error.code === 'CANCELLED')) throw error
  }
}
