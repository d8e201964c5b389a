import { zstdDecompressSync } from 'node:zlib'

import { AppError } from '../core/base/errors.ts'
import { lz4 } from './lz4.ts'

/** How bytes are packed on the wire. */
export type CompressionKind = 'none' | 'lz4' | 'zstd'

/** What the levels of a hop rule mean: 0 none, 1 lz4, 2–9 zstd from fast to small. */
const ZSTD_LEVELS = [0, 0, 1, 3, 5, 7, 9, 12, 15, 19] as const
export const COMPRESSION_LEVEL_MAX = ZSTD_LEVELS.length - 1

/** Gives how a level (0–9) packs. */
export function compressionKind(level: number): CompressionKind {
  if (level === 0) return 'none'
  return level === 1 ? 'lz4' : 'zstd'
}

/** Packs bytes at a level from 0 to 9. The result may be longer than the input: look before sending it. */
export function compress(level: number, bytes: Uint8Array): Uint8Array {
  switch (compressionKind(level)) {
    case 'none':
      return bytes
    case 'lz4':
      return lz4().compressSync(asBuffer(bytes))
    case 'zstd':
      return Bun.zstdCompressSync(bytes, { level: ZSTD_LEVELS[level] ?? COMPRESSION_LEVEL_MAX })
  }
}

/**
 * Unpacks bytes from a peer that must give exactly `plainBytes`, which the caller has bounded. Nothing larger is ever
 * allocated, whatever the packed bytes claim. Throws PROTOCOL where they give anything else.
 */
export function decompress(
  kind: CompressionKind,
  bytes: Uint8Array,
  plainBytes: number,
): Uint8Array {
  const plain = unpack(kind, bytes, plainBytes)
  if (plain === null || plain.length !== plainBytes) {
    throw new AppError(
      'PROTOCOL',
      `cannot unpack ${bytes.length} bytes of ${kind} to ${plainBytes}`,
    )
  }
  return plain
}

function unpack(kind: CompressionKind, bytes: Uint8Array, plainBytes: number): Uint8Array | null {
  if (kind === 'none') return bytes
  try {
    return kind === 'lz4' ? unpackLz4(bytes, plainBytes) : unpackZstd(bytes, plainBytes)
  } catch {
    // Whatever a packer finds wrong with a peer's bytes, the answer is the same.
    return null
  }
}

/** The first four bytes say how much the addon allocates, before it has looked at anything. */
function unpackLz4(bytes: Uint8Array, plainBytes: number): Uint8Array | null {
  const packed = asBuffer(bytes)
  if (packed.length < 4 || packed.readUInt32LE(0) !== plainBytes) return null
  return lz4().uncompressSync(packed)
}

function unpackZstd(bytes: Uint8Array, plainBytes: number): Uint8Array {
  return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, plainBytes) })
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
