/**
 * The JSON of a CloudWatch Logs subscription: `{"messageType":…,"logEvents":[{"id":…,"timestamp":…,"message":…}],…}`, one
 * or several, one after the other. Read from its bytes, so that a text of 32 MiB makes no objects and no strings.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from '../domain/json-bytes.ts'
import { BROKEN, endInTurns, endOfString, endOfValue, PAUSED, skipBlank, TURN_BYTES } from './json-scan.ts'
import { writeString } from './json-string.ts'

const NEWLINE = 0x0a

const TYPE = Buffer.from('messageType')
const EVENTS = Buffer.from('logEvents')
const MESSAGE = Buffer.from('message')
/** Says that a service can be reached; its messages are none. */
const CONTROL_MESSAGE = 'CONTROL_MESSAGE'
/** Longest name or message type that matters, in escapes (6 bytes a character). */
const NAME_BYTES_MAX = 6 * 64

/** What was read before a pause. */
export type Pause = 'event' | 'part'

export class LogText {
  readonly #bytes: Buffer
  /** The messages, each with a newline; absent when they are not asked for. */
  readonly #messages: Buffer | undefined
  #written = 0
  readonly #name = Buffer.alloc(NAME_BYTES_MAX)

  constructor(bytes: Buffer, options: { readonly messages: boolean }) {
    this.#bytes = bytes
    // A message is shorter than its JSON by two quotes at least, which leaves room for its newline.
    this.#messages = options.messages ? Buffer.allocUnsafe(bytes.length) : undefined
  }

  /** What was read so far. */
  get messages(): Buffer {
    return this.#messages?.subarray(0, this.#written) ?? Buffer.alloc(0)
  }

  /** Yields after each log event and within what is long, for whoever wants to pause. Answers false when it is no such text. */
  *read(): Generator<Pause, boolean> {
    let at = skipBlank(this.#bytes, 0)
    if (at === this.#bytes.length) return false
    while (at < this.#bytes.length) {
      const end = yield* this.#envelope(at)
      if (end === BROKEN) return false
      at = skipBlank(this.#bytes, end)
    }
    return true
  }

  *#envelope(at: number): Generator<Pause, number> {
    const before = this.#written
    let type: string | undefined
    let hasEvents = false
    const members = new Members(this.#bytes, at)
    while (members.next() || (members.isPaused && (yield* members.nextInTurns()))) {
      if (this.#isNamed(members, TYPE)) type = this.#text(members.valueAt)
      if (!this.#isNamed(members, EVENTS)) continue
      // The last of two counts.
      this.#written = before
      members.valueEnd = yield* this.#events(members.valueAt)
      if (members.valueEnd === BROKEN) return BROKEN
      hasEvents = true
    }
    if (members.end === BROKEN || type === undefined || !hasEvents) return BROKEN
    if (type === CONTROL_MESSAGE) this.#written = before
    return members.end
  }

  *#events(at: number): Generator<Pause, number> {
    const bytes = this.#bytes
    if (bytes[at] !== OPEN_BRACKET) return BROKEN
    let next = skipBlank(bytes, at + 1)
    if (bytes[next] === CLOSE_BRACKET) return next + 1
    for (;;) {
      const end = yield* this.#event(next)
      if (end === BROKEN) return BROKEN
      yield 'event'
      next = skipBlank(bytes, end)
      if (bytes[next] === CLOSE_BRACKET) return next + 1
      if (bytes[next] !== COMMA) return BROKEN
      next = skipBlank(bytes, next + 1)
    }
  }

  *#event(at: number): Generator<Pause, number> {
    const members = new Members(this.#bytes, at)
    let start = BROKEN
    let end = BROKEN
    while (members.next() || (members.isPaused && (yield* members.nextInTurns()))) {
      if (!this.#isNamed(members, MESSAGE)) continue
      if (this.#bytes[members.valueAt] !== QUOTE) return BROKEN
      start = members.valueAt
      end = members.findValueEnd()
      if (end === PAUSED) end = yield* members.findLongEnd()
    }
    if (members.end === BROKEN || start === BROKEN || end === BROKEN) return BROKEN
    if (this.#messages === undefined) return members.end
    const written = writeString(this.#bytes, start + 1, end - 1, this.#messages, this.#written)
    if (written === BROKEN) return BROKEN
    this.#messages[written] = NEWLINE
    this.#written = written + 1
    return members.end
  }

  #isNamed({ nameAt, nameEnd }: Members, name: Buffer): boolean {
    const bytes = this.#bytes
    const length = nameEnd - nameAt - 2
    if (length < name.length) return false
    // A longer one may be the same in escapes.
    if (length > name.length && bytes.subarray(nameAt, nameEnd).includes(BACKSLASH))
      return this.#text(nameAt) === name.toString()
    if (length !== name.length) return false
    for (let index = 0; index < length; index += 1) {
      if (bytes[nameAt + 1 + index] !== name[index]) return false
    }
    return true
  }

  /** Of the short string that opens at `at`; of anything else undefined. */
  #text(at: number): string | undefined {
    if (this.#bytes[at] !== QUOTE) return undefined
    const end = endOfString(this.#bytes, at)
    if (end === BROKEN || end - at - 2 > NAME_BYTES_MAX) return undefined
    const written = writeString(this.#bytes, at + 1, end - 1, this.#name, 0)
    return written === BROKEN ? undefined : this.#name.toString('utf8', 0, written)
  }
}

/** The members of an object, one after the other. */
class Members {
  nameAt = BROKEN
  nameEnd = BROKEN
  valueAt = BROKEN
  /** Set by who has read the value already. */
  valueEnd = BROKEN
  /** Behind the object, once `next` has answered false; BROKEN when it is none. */
  end = BROKEN
  readonly #bytes: Buffer
  #at: number
  #isFirst = true

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = bytes[at] === OPEN_BRACE ? at + 1 : BROKEN
  }

  /** The value is too long to be read at once, so that `nextInTurns` goes on. */
  get isPaused(): boolean {
    return this.valueEnd === PAUSED
  }

  next(): boolean {
    const bytes = this.#bytes
    if (this.#at === BROKEN) return false
    if (!this.#isFirst) {
      const end = this.findValueEnd()
      if (end === PAUSED) return false
      this.#at = end
    }
    if (this.#at === BROKEN) return false
    this.#at = skipBlank(bytes, this.#at)
    if (bytes[this.#at] === CLOSE_BRACE) {
      this.end = this.#at + 1
      return false
    }
    if (!this.#isFirst) {
      if (bytes[this.#at] !== COMMA) return false
      this.#at = skipBlank(bytes, this.#at + 1)
    }
    this.#isFirst = false
    if (bytes[this.#at] !== QUOTE) return false
    this.nameAt = this.#at
    this.nameEnd = endOfString(bytes, this.#at)
    if (this.nameEnd === BROKEN) return false
    const colon = skipBlank(bytes, this.nameEnd)
    if (bytes[colon] !== COLON) return false
    this.valueAt = skipBlank(bytes, colon + 1)
    this.valueEnd = BROKEN
    return true
  }

  *nextInTurns(): Generator<Pause, boolean> {
    if ((yield* this.findLongEnd()) !== BROKEN) return this.next()
    this.#at = BROKEN
    return false
  }

  /** PAUSED when the value is long. */
  findValueEnd(): number {
    if (this.valueEnd === BROKEN) this.valueEnd = endOfValue(this.#bytes, this.valueAt, TURN_BYTES)
    return this.valueEnd
  }

  *findLongEnd(): Generator<Pause, number> {
    this.valueEnd = yield* endInTurns(this.#bytes, this.valueAt)
    return this.valueEnd
  }
}
