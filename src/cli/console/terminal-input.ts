import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { type Key, KeyReader } from './read-keys.ts'

export interface InputHandlers {
  /** Text to put where the cursor is. */
  insert(text: string): void
  /** The line ends. @param isTogether whether it came in one go with the line before, as in a paste */
  enter(isTogether: boolean): void
  /** Before any key but text and the end of a line. */
  key(sequence: string): void
  /** The terminal is gone. */
  end(): void
}

/**
 * The keyboard as node:readline shall see it: this one stands before the terminal, and hands the editor keys only, since
 * readline takes quadratic time for a long paste that it gets character by character, and this may be the process of a
 * service. Nothing is read while it is held.
 */
export class TerminalInput extends Readable {
  readonly isTTY = true
  readonly #source: NodeJS.ReadStream
  readonly #handlers: InputHandlers
  readonly #decoder = new StringDecoder('utf8')
  readonly #reader = new KeyReader()
  readonly #waiting: Array<Key & { readonly isTogether: boolean }> = []
  #isHeld = false
  #isDraining = false
  readonly #onData = (chunk: Buffer | string) => this.#take(chunk)
  readonly #onEnd = () => this.#handlers.end()

  constructor(source: NodeJS.ReadStream, handlers: InputHandlers) {
    super({ read: () => {} })
    this.#source = source
    this.#handlers = handlers
  }

  open(): void {
    this.#source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onEnd).resume()
  }

  close(): void {
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onEnd)
    this.#source.off('error', ignore).on('error', ignore).pause() // a terminal that goes away later is no crash
  }

  /** A key for the editor. */
  press(sequence: string): void {
    this.emit('data', Buffer.from(sequence))
  }

  /** Keeps what is typed until `release`. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#drain()
  }

  #take(chunk: Buffer | string): void {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.write(chunk)
    if (text === '') return
    for (const key of this.#reader.read(text)) this.#waiting.push(key)
    this.#drain()
  }

  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    let next = 0
    while (!this.#isHeld && next < this.#waiting.length) {
      const key = this.#waiting[next++]
      if (key === undefined) continue
      if (key.kind === 'text') this.#handlers.insert(key.text)
      else if (key.kind === 'enter') this.#handlers.enter(key.isTogether)
      else {
        this.#handlers.key(key.sequence)
        this.press(key.sequence)
      }
    }
    this.#waiting.splice(0, next)
    this.#isDraining = false
  }
}

function ignore(): void {}
