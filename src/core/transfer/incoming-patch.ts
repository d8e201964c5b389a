import type { BaseFile } from '../apply/base-file.ts'
import type { InboundFile } from '../apply/inbound.ts'
import { isRefusal } from '../apply/refusal.ts'
import { CONTENT_CHUNK_BYTES } from '../base/limits.ts'
import type { ContentHash } from '../change/entry.ts'
import type { BlockHashes } from '../delta/block-hashes.ts'
import {
  BLOCK_BYTES_MAX,
  FINE_BLOCK_BYTES,
  SIGNATURE_RANGE_BYTES_MAX,
  blockCount,
} from '../delta/block-size.ts'
import { BlockSigner, SIGNED_BLOCK_BYTES } from '../delta/signature.ts'
import type { SignatureRequest } from '../wire/patch-frames.ts'
import { demand } from './violation.ts'

/** What a sender may ask to be read for signatures, as a multiple of the base's size. */
const SIGNED_SHARE_MAX = 4
/** Copied between two frames, in bytes. */
const COPY_BYTES_MAX = 4 << 20
/** Read and signed at a time: a multiple of all sizes of blocks. */
const PIECE_BYTES = BLOCK_BYTES_MAX
const NOTHING = new Uint8Array(0)

/** The older version of one file, as the sender makes use of it. Whatever it does not give, `isGone` remembers. */
export class IncomingBase {
  readonly index: number
  readonly #file: BaseFile
  readonly #hashes: BlockHashes
  #signer: BlockSigner | null = null
  #buffer = new Uint8Array(CONTENT_CHUNK_BYTES)
  #signedBytes = 0
  #isGone = false

  constructor(index: number, file: BaseFile, hashes: BlockHashes) {
    this.index = index
    this.#file = file
    this.#hashes = hashes
  }

  /** The blocks of a stretch; none where it cannot be read. */
  sign(request: SignatureRequest): Uint8Array {
    const { offset, length, blockBytes } = request
    demand(isBlockSize(blockBytes), `blocks of ${blockBytes} bytes`)
    demand(length <= SIGNATURE_RANGE_BYTES_MAX, `a signature of ${length} bytes`)
    demand(length >= blockBytes && offset + length <= this.#file.size, 'a stretch outside the base')
    this.#signedBytes += length
    demand(this.#signedBytes <= this.#file.size * SIGNED_SHARE_MAX, 'too many signatures')
    const signer = this.#signerFor(request)
    const signed = new Uint8Array(blockCount(length, blockBytes) * SIGNED_BLOCK_BYTES)
    let filled = 0
    // Piece by piece, while each is in the cache; the last takes what is left, which may be no whole block.
    for (let done = 0; done < length;) {
      const left = length - done
      const piece = this.#read(offset + done, left < 2 * PIECE_BYTES ? left : PIECE_BYTES)
      if (piece === null) return NOTHING
      const blocks = signer.sign(piece)
      signed.set(blocks, filled)
      filled += blocks.length
      done += piece.length
    }
    return signed
  }

  /** Lets a file begin with it. */
  begin(file: InboundFile): void {
    file.beginWith(this.#file)
  }

  /** Copies a stretch into a file, chunk by chunk; false where it cannot be read. */
  copy(from: number, length: number, file: InboundFile): boolean {
    demand(from + length <= this.#file.size, 'a copy from outside the base')
    for (let copied = 0; copied < length;) {
      const chunk = this.#read(from + copied, Math.min(CONTENT_CHUNK_BYTES, length - copied))
      if (chunk === null) return false
      file.copy(chunk, from + copied)
      copied += chunk.length
    }
    return true
  }

  /** Whether all that was read belongs to the version that was offered. */
  get isWhole(): boolean {
    return !this.#isGone && (this.#attempt(() => this.#file.isUntouched()) ?? false)
  }

  close(): void {
    this.#file.close()
  }

  #read(position: number, bytes: number): Uint8Array | null {
    if (this.#buffer.length < bytes) this.#buffer = new Uint8Array(bytes)
    const chunk = this.#buffer.subarray(0, bytes)
    if (this.#isGone || this.#attempt(() => this.#file.read(chunk, position)) !== true) {
      this.#isGone = true
      return null
    }
    return chunk
  }

  #signerFor({ blockBytes, seed }: SignatureRequest): BlockSigner {
    const shape = this.#signer?.shape
    const isSame =
      shape?.blockBytes === blockBytes &&
      shape.seed.low === seed.low &&
      shape.seed.high === seed.high
    if (this.#signer === null || !isSame)
      this.#signer = new BlockSigner({ blockBytes, seed }, this.#hashes)
    return this.#signer
  }

  /** A disk that cannot read the old version does not keep the new one from coming whole. */
  #attempt<T>(call: () => T): T | null {
    try {
      return call()
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      return null
    }
  }
}

function isBlockSize(bytes: number): boolean {
  const isPower = Number.isInteger(Math.log2(bytes))
  return isPower && bytes >= FINE_BLOCK_BYTES && bytes <= BLOCK_BYTES_MAX
}

/** Tells whether an answer can be one to this request. */
export function isSignatureOf(request: SignatureRequest, blocks: Uint8Array): boolean {
  const expected = blockCount(request.length, request.blockBytes) * SIGNED_BLOCK_BYTES
  return blocks.length === 0 || blocks.length === expected
}

/** The content of a file as it is put together from an older version and what came of it. */
export class PatchedContent {
  readonly #base: IncomingBase | null
  readonly #file: InboundFile
  #isLost: boolean

  constructor(base: IncomingBase | null, file: InboundFile) {
    this.#base = base
    this.#file = file
    this.#isLost = base === null
    base?.begin(file)
  }

  write(bytes: Uint8Array): void {
    if (!this.#isLost) this.#file.write(bytes)
  }

  copy(from: number, length: number): void {
    demand(length <= COPY_BYTES_MAX, `a copy of ${length} bytes`)
    if (this.#isLost) return
    this.#isLost = this.#base?.copy(from, length, this.#file) !== true
  }

  /** Gives the hash of what was built, null where it is not what the sender named, or may be of two versions. */
  end(named: ContentHash | null): ContentHash | null {
    const built = this.#file.finish()
    const isRebuilt = !this.#isLost && this.#base?.isWhole === true && built === named
    return isRebuilt ? built : null
  }
}
