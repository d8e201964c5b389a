import type { ByteString } from '../core/base/byte-string.ts'

/** Any path fits. */
const scratch = Buffer.allocUnsafeSlow(8192)

/**
 * Gives bytes as the database gives them as a byte string. A `Buffer` that looks at the same bytes would make each of
 * them an object outside of the heap; copying is several times as fast, and a scan does this for every row.
 */
export function storedBytes(bytes: Uint8Array): ByteString {
  if (bytes.length > scratch.length) return Buffer.from(bytes).toString('latin1') as ByteString
  scratch.set(bytes)
  return scratch.toString('latin1', 0, bytes.length) as ByteString
}
