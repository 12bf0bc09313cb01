import { CserviceError } from '../../common/errors.ts'

/** What a command answers that gives bytes; only a route (`ByteRoute`) can pass them on. */
export class ByteAnswer {
  /** Of the file that a client may make of it. */
  readonly fileName: string
  readonly type: string
  readonly bytes: AsyncIterable<Uint8Array>

  /** @param bytes begin to be made when they are read */
  constructor(fileName: string, type: string, bytes: AsyncIterable<Uint8Array>) {
    this.fileName = fileName
    this.type = type
    this.bytes = bytes
  }

  /** The same, when its first bytes have been made: what fails until then can be told; later, bytes only break off. */
  async begin(): Promise<ByteAnswer> {
    const iterator = this.bytes[Symbol.asyncIterator]()
    const first = await iterator.next()
    return new ByteAnswer(this.fileName, this.type, resume(first, iterator))
  }

  /** @throws CserviceError BAD_USAGE: whoever wants JSON has come by the wrong way */
  toJSON(): never {
    throw new CserviceError('BAD_USAGE', 'The answer is bytes, and no JSON: ask for it by its own path')
  }
}

async function* resume(
  first: IteratorResult<Uint8Array>,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}
