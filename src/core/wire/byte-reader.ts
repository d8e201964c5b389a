import { type ByteString, fromBytes } from '../base/byte-string.ts'
import { type Result, failure, success } from '../base/result.ts'
import type { ContentHash } from '../change/entry.ts'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Thrown while a message of a peer is parsed and caught by `parseBytes`: never leaves this folder. */
export class Malformed extends Error {}

/** Runs a parser over the whole of a peer's bytes; what it refuses, and bytes left over, become PROTOCOL. */
export function parseBytes<T>(
  what: string,
  bytes: Uint8Array,
  parse: (reader: ByteReader) => T,
): Result<T> {
  try {
    const reader = new ByteReader(bytes)
    const value = parse(reader)
    if (reader.left > 0) throw new Malformed(`${reader.left} bytes left over`)
    return success(value)
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown
    return failure('PROTOCOL', `cannot read ${what}: ${thrown.message}`)
  }
}

/** Reads what a ByteWriter wrote. Every read is checked against what is left; nothing is allocated from a bare length. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#offset
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  /** Reads a whole number of at most `maximum`; refuses any but its shortest form. */
  count(maximum = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      if (value > maximum) throw new Malformed(`a number over ${maximum}`)
      if (byte < 0x80) {
        if (byte === 0 && factor > 1) throw new Malformed('a number in a longer form than needed')
        return value
      }
      if (factor >= 2 ** 49) throw new Malformed('a number over 2^53')
    }
  }

  /** A view of the next bytes. */
  raw(bytes: number): Uint8Array {
    const start = this.#take(bytes)
    return this.#bytes.subarray(start, start + bytes)
  }

  rest(): Uint8Array {
    return this.raw(this.left)
  }

  text(maximumBytes: number): ByteString {
    return fromBytes(this.raw(this.count(maximumBytes)))
  }

  hash(): ContentHash {
    const start = this.#take(32)
    let hex = ''
    for (let index = start; index < start + 32; index++) hex += HEX[this.#bytes[index] ?? 0]
    return hex as ContentHash
  }

  #take(bytes: number): number {
    if (bytes > this.left) throw new Malformed(`${bytes} bytes expected, ${this.left} left`)
    const start = this.#offset
    this.#offset += bytes
    return start
  }
}
