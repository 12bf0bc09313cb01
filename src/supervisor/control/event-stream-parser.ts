import { StringDecoder } from 'node:string_decoder'

export interface StreamedEvent {
  readonly id: string
  readonly type: string
  readonly data: string
}

/** Characters of an event that is not finished yet. */
const eventLimit = 1024 * 1024

/** Takes a stream of server-sent events apart (WHATWG HTML 9.2.6), however it is cut into chunks. */
export class EventStreamParser {
  readonly #onEvent: (event: StreamedEvent) => void
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #id = ''
  #type = ''
  #data: string[] = []
  #length = 0

  constructor(onEvent: (event: StreamedEvent) => void) {
    this.#onEvent = onEvent
  }

  /** @throws Error for an event that is too large */
  push(chunk: Buffer): void {
    const text = this.#rest + this.#decoder.write(chunk)
    // A CR at the end may be half of a CR LF.
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#readLine(line)
    if (this.#rest.length + this.#length > eventLimit) throw new Error('An event is too large')
  }

  #readLine(line: string): void {
    if (line === '') this.#dispatch()
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'id') this.#id = value
    else if (name === 'event') this.#type = value
    else if (name === 'data') {
      this.#data.push(value)
      this.#length += value.length
    }
  }

  #dispatch(): void {
    const event = { id: this.#id, type: this.#type || 'message', data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#type = ''
    this.#data = []
    this.#length = 0
    if (!isEmpty) this.#onEvent(event)
  }
}
