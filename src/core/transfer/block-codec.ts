import type { Block } from '../wire/frame.ts'

/** Packs bytes for the wire; the platform gives the real one. */
export interface BlockCodec {
  /**
   * Level 0 none, 1 lz4, 2–9 zstd from fast to small. Where compressing does not shrink, the block is plain and its
   * bytes are those given, not a copy.
   */
  compress(level: number, bytes: Uint8Array): Block
  /** Unpacks a peer's block, never to more than it says; throws AppError PROTOCOL where it holds anything else. */
  decompress(block: Block): Uint8Array
}
