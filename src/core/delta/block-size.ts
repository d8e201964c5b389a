/** Blocks are powers of two between these, in bytes. */
const BLOCK_BYTES_MIN = 2 << 10
export const BLOCK_BYTES_MAX = 128 << 10

/** Blocks in which the surroundings of a change are compared again, in bytes. */
export const FINE_BLOCK_BYTES = 512

/** A stretch signed at a time, in bytes: bounds what is read between two frames, and its answer fits a frame. */
export const SIGNATURE_RANGE_BYTES_MAX = 8 << 20

/** Blocks of one signature at most: 128 GiB in the largest blocks. What is longer travels whole. */
export const SIGNATURE_BLOCKS_MAX = 1 << 20

/**
 * Gives the block size in bytes for a file of `fileBytes`: near twice its square root. Since what does not match is
 * compared again in small blocks, large ones cost an edit little, and make the signature short.
 */
export function blockBytesFor(fileBytes: number): number {
  const root = 2 ** Math.round(Math.log2(2 * Math.sqrt(Math.max(fileBytes, 1))))
  return Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, root))
}

/** How many blocks cover a stretch: the last one overlaps the one before where the size is no multiple. */
export function blockCount(rangeBytes: number, blockBytes: number): number {
  return rangeBytes < blockBytes ? 0 : Math.ceil(rangeBytes / blockBytes)
}

/** Where a block of a stretch begins, in bytes from its start. */
export function blockOffset(index: number, rangeBytes: number, blockBytes: number): number {
  return Math.min(index * blockBytes, rangeBytes - blockBytes)
}
