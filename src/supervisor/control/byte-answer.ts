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

  /** @throws CserviceError BAD_USAGE: whoever wants JSON has come by the wrong way */
  toJSON(): never {
    throw new CserviceError('BAD_USAGE', 'The answer is bytes, and no JSON: ask for it by its own path')
  }
}
