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

/** From here on packing takes so long that it must not hold up the event loop. */
export const SLOW_LEVEL_MIN = 6

/** Packs bytes at a level from SLOW_LEVEL_MIN to 9 on another thread; they must not change meanwhile. */
export async function compressAside(level: number, bytes: Uint8Array): Promise<Uint8Array> {
  return await Bun.zstdCompress(bytes, { level: ZSTD_LEVELS[level] ?? COMPRESSION_LEVEL_MAX })
}

/** Bytes looked at before many are packed, and from how many places. */
const SAMPLE_BYTES = 8 << 10
const SAMPLE_PARTS = 8
/** So many bytes are packed without a look: it would cost as much. */
const SAMPLED_BYTES_MIN = 4 * SAMPLE_BYTES

/**
 * Tells whether packing is worth it, by packing a sample from all over the bytes: pictures, archives and what is
 * encrypted shrink by nothing, and trying costs most where the level is high.
 */
export function looksCompressible(level: number, bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLED_BYTES_MIN) return true
  const partBytes = SAMPLE_BYTES / SAMPLE_PARTS
  const sample = new Uint8Array(SAMPLE_BYTES)
  const stride = Math.floor((bytes.length - partBytes) / (SAMPLE_PARTS - 1))
  for (let part = 0; part < SAMPLE_PARTS; part++) {
    const start = part * stride
    sample.set(bytes.subarray(start, start + partBytes), part * partBytes)
  }
  return compress(Math.min(level, 2), sample).length < SAMPLE_BYTES * 0.98
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
