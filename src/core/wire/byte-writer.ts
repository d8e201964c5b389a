import type { ByteString } from '../base/byte-string.ts'
import type { ContentHash } from '../change/entry.ts'

const START_BYTES = 256

/** Collects the bytes of one message; grows by doubling. Whole numbers travel as LEB128, 7 bits a byte. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  /** Takes how many bytes to expect, so that large messages are not copied while they grow. */
  constructor(expectedBytes = START_BYTES) {
    this.#bytes = new Uint8Array(expectedBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  /** What was written so far: a view, valid until the next write. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value)
    this.#length += 4
  }

  i64(value: bigint): void {
    this.#reserve(8)
    this.#view.setBigInt64(this.#length, value)
    this.#length += 8
  }

  /** Writes a whole number from 0 to 2^53 - 1. */
  count(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Writes the length in bytes, then the bytes. */
  text(value: ByteString): void {
    this.count(value.length)
    this.#reserve(value.length)
    for (let index = 0; index < value.length; index++)
      this.#bytes[this.#length++] = value.charCodeAt(index)
  }

  hash(value: ContentHash): void {
    this.#reserve(32)
    for (let index = 0; index < 64; index += 2)
      this.#bytes[this.#length++] = (nibble(value, index) << 4) | nibble(value, index + 1)
  }

  /** Room to be filled in place; a view, valid until the next write. */
  room(bytes: number): Uint8Array {
    this.#reserve(bytes)
    const start = this.#length
    this.#length += bytes
    return this.#bytes.subarray(start, this.#length)
  }

  /** Takes back the last bytes. */
  drop(bytes: number): void {
    this.#length -= bytes
  }

  /** Overwrites four bytes written before. */
  patchU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

function nibble(hex: string, index: number): number {
  const code = hex.charCodeAt(index)
  return code <= 0x39 ? code - 0x30 : code - 0x57
}
