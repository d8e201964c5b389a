/**
 * A string whose every code unit is one byte (0–255). File names on Linux need not be UTF-8, so a name is bytes
 * everywhere; in this form it can be compared, cut and used as a key. Byte order is code unit order.
 */
export type ByteString = string & { readonly brand: 'ByteString' }

/** Gives the bytes of a buffer as a byte string. */
export function fromBytes(bytes: Uint8Array): ByteString {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text as ByteString
}

/** Gives the bytes themselves. */
export function toBytes(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}

/** Gives the UTF-8 bytes of ordinary text as a byte string. */
export function fromText(text: string): ByteString {
  let bytes = ''
  for (const character of text) bytes += utf8(character.codePointAt(0) ?? 0)
  return bytes as ByteString
}

function utf8(point: number): string {
  if (point < 0x80) return String.fromCharCode(point)
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), tail(point))
  if (point < 0x10000)
    return String.fromCharCode(0xe0 | (point >> 12), tail(point >> 6), tail(point))
  return String.fromCharCode(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point))
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f)
}

/**
 * Gives a byte string as text for reading. `exact` is false where the bytes are not UTF-8: each offending byte is then
 * shown as U+FFFD and the text must not be taken for the name.
 */
export function toText(bytes: ByteString): { readonly text: string; readonly exact: boolean } {
  if (isAscii(bytes)) return { text: bytes, exact: true }
  let text = ''
  let exact = true
  for (let index = 0; index < bytes.length;) {
    const point = decodeAt(bytes, index)
    if (point === null) {
      exact = false
      text += '\ufffd'
      index++
    } else {
      text += String.fromCodePoint(point.value)
      index += point.length
    }
  }
  return { text, exact }
}

/** So are most names, and they are asked for at every path of every scan. */
function isAscii(bytes: ByteString): boolean {
  for (let index = 0; index < bytes.length; index++)
    if (bytes.charCodeAt(index) > 0x7f) return false
  return true
}

function decodeAt(bytes: ByteString, index: number): { value: number; length: number } | null {
  const first = bytes.charCodeAt(index)
  if (first < 0x80) return { value: first, length: 1 }
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || index + length > bytes.length) return null
  let value = first & (0xff >> (length + 1))
  for (let offset = 1; offset < length; offset++) {
    const next = bytes.charCodeAt(index + offset)
    if ((next & 0xc0) !== 0x80) return null
    value = (value << 6) | (next & 0x3f)
  }
  const smallest = [0, 0, 0x80, 0x800, 0x10000][length] ?? 0
  const valid = value >= smallest && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff)
  return valid ? { value, length } : null
}
