import type { BlockHashes } from './block-hashes.ts'
import { BlockSigner, type Signature, SignatureBuilder } from './signature.ts'

/**
 * Makes the signature of a new file while it is matched against the old one: a block that was found is known already, so
 * only what was not found is hashed. Its blocks lie where they were found, not on a grid.
 */
export class NextSignature {
  readonly #old: Signature
  readonly #signer: BlockSigner
  readonly #builder: SignatureBuilder
  #last = -1

  constructor(old: Signature, hashes: BlockHashes) {
    this.#old = old
    this.#signer = new BlockSigner(old, hashes)
    this.#builder = new SignatureBuilder(old, old.count)
  }

  block(index: number, at: number): void {
    if (at <= this.#last) return
    this.#builder.addBlock(this.#old, index, at)
    this.#last = at
  }

  /** Signs what was not found; what is shorter than a block together with what lies before it. */
  unmatched(bytes: Uint8Array, at: number, history: Uint8Array): void {
    const { blockBytes } = this.#old
    const lackingBytes = Math.max(0, blockBytes - bytes.length)
    if (lackingBytes > history.length) return
    const offset = at - lackingBytes
    if (offset <= this.#last) return
    const range = lackingBytes === 0 ? bytes : joined(history, bytes, blockBytes)
    this.#builder.addRange(this.#signer.sign(range), { offset, bytes: range.length })
    this.#last = at + bytes.length - blockBytes
  }

  build(fileBytes: number): Signature {
    return this.#builder.build(fileBytes)
  }
}

/** The last `length` bytes of both. */
function joined(history: Uint8Array, bytes: Uint8Array, length: number): Uint8Array {
  const range = new Uint8Array(length)
  const lackingBytes = length - bytes.length
  range.set(history.subarray(history.length - lackingBytes))
  range.set(bytes, lackingBytes)
  return range
}
