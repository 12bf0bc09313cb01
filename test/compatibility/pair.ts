import type { OnFinish } from '../support/on-finish.ts'
import { compare, type FieldDifference, normalise } from './compare.ts'
import { Side } from './side.ts'

/** Both packages side by side, and the differences between them so far. */
export class Pair {
  readonly #sides: readonly [Side, Side]
  readonly #differences: FieldDifference[] = []
  #steps = 0

  static async open(onFinish: OnFinish): Promise<Pair> {
    return new Pair(await Side.open('old', onFinish), await Side.open('ours', onFinish))
  }

  private constructor(old: Side, ours: Side) {
    this.#sides = [old, ours]
  }

  get differences(): readonly FieldDifference[] {
    return this.#differences
  }

  /** Comparisons made. */
  get steps(): number {
    return this.#steps
  }

  /** Does the same on both sides at once. */
  both<Answer>(act: (side: Side) => Promise<Answer>): Promise<[Answer, Answer]> {
    const [old, ours] = this.#sides
    return Promise.all([act(old), act(ours)])
  }

  /** Does the same on both sides at once, and compares what comes of it. */
  async step(name: string, act: (side: Side) => Promise<unknown>): Promise<void> {
    const [old, ours] = await this.both(async (side) => normalise(await act(side), side))
    this.#steps++
    this.#differences.push(...compare(name, old, ours))
  }
}
