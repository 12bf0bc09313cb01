import type { ErrorCode } from '../../src/common/errors.ts'
import type { Arena } from './arena.ts'

/** How much of everything: the short form is for every run of the tests, the long one for `npm run test:hostile`. */
export type Form = 'short' | 'long'

/** What an attacker saw, by kind: status codes, `closed`, `opened` and the like. */
export type Counts = Record<string, number>

export interface Scenario {
  /** A sentence's subject: what the attacker sends. */
  readonly name: string
  /** Which binding it goes to: the neighbours are on the same one. */
  readonly binding: 'plain' | 'tls'
  /** Codes that `proxy info` has to count more of afterwards than before. Empty: nothing is refused, it costs the attacker alone. */
  readonly refused: readonly ErrorCode[]
  /** Codes of those of which the log has to say something. */
  readonly logged?: readonly ErrorCode[]
  attack(arena: Arena, form: Form): Promise<Counts>
}
