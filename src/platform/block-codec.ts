import type { BlockCodec } from '../core/transfer/block-codec.ts'
import type { Block } from '../core/wire/frame.ts'
import {
  compress,
  compressAside,
  compressionKind,
  decompress,
  looksCompressible,
} from './compression.ts'

/** Below this nothing shrinks by enough to pay for the call. */
const COMPRESSED_BYTES_MIN = 64

/** The codec of the data connection over lz4 and zstd. */
export const blockCodec: BlockCodec = {
  compress: (level, bytes) =>
    isWorthPacking(level, bytes) ? blockOf(level, bytes, compress(level, bytes)) : plain(bytes),
  decompress: (block) => decompress(block.compression, block.bytes, block.plainBytes),
}

/** Packs a plain block at a level from SLOW_LEVEL_MIN to 9 on another thread; its bytes must not change meanwhile. */
export async function packAside(level: number, block: Block): Promise<Block> {
  const { bytes, compression } = block
  if (compression !== 'none' || !isWorthPacking(level, bytes)) return block
  return blockOf(level, bytes, await compressAside(level, bytes))
}

function isWorthPacking(level: number, bytes: Uint8Array): boolean {
  return level > 0 && bytes.length >= COMPRESSED_BYTES_MIN && looksCompressible(level, bytes)
}

function blockOf(level: number, bytes: Uint8Array, packed: Uint8Array): Block {
  if (packed.length >= bytes.length) return plain(bytes)
  return { compression: compressionKind(level), plainBytes: bytes.length, bytes: packed }
}

function plain(bytes: Uint8Array): Block {
  return { compression: 'none', plainBytes: bytes.length, bytes }
}
