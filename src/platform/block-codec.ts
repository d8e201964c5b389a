import type { BlockCodec } from '../core/transfer/block-codec.ts'
import { compress, compressionKind, decompress } from './compression.ts'

/** Below this nothing shrinks by enough to pay for the call. */
const COMPRESSED_BYTES_MIN = 64

/** The codec of the data connection over lz4 and zstd. */
export const blockCodec: BlockCodec = {
  compress(level, bytes) {
    const packed = bytes.length < COMPRESSED_BYTES_MIN ? bytes : compress(level, bytes)
    const shrank = packed.length < bytes.length
    return {
      compression: shrank ? compressionKind(level) : 'none',
      plainBytes: bytes.length,
      bytes: shrank ? packed : bytes,
    }
  },
  decompress: (block) => decompress(block.compression, block.bytes, block.plainBytes),
}
