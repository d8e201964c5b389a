import { FINE_BLOCK_BYTES } from '../delta/block-size.ts'
import { type DeltaOperation, Matcher } from '../delta/matcher.ts'
import { SignatureBuilder } from '../delta/signature.ts'
import type { SignatureRequest } from '../wire/patch-frames.ts'
import type { DeltaDesk } from './delta-desk.ts'
import type { AskedSignature } from './patch-mail.ts'

/** A stretch of the old file is compared again up to this length, in bytes: longer ones have hardly anything in common. */
const GAP_BYTES_MAX = 1 << 20

/** Which file's surroundings, and how its blocks are made. */
export interface GapContext {
  readonly index: number
  readonly baseBytes: number
  readonly desk: DeltaDesk
}

/**
 * Asks for the small blocks of what lies in the old file between the matches around a literal; null where there is
 * nothing that would be worth it.
 */
export function gapRequest(
  context: GapContext,
  operations: readonly DeltaOperation[],
  at: number,
): SignatureRequest | null {
  const literal = operations[at]
  if (literal?.kind !== 'literal' || literal.length < 2 * FINE_BLOCK_BYTES) return null
  const start = endOf(operations[at - 1])
  const end = startOf(operations[at + 1], context.baseBytes)
  if (start === null || end === null) return null
  const length = end - start
  const blockBytes = fineBlockBytes(length)
  if (length < 2 * blockBytes || length > GAP_BYTES_MAX) return null
  return { index: context.index, offset: start, length, blockBytes, seed: context.desk.seed }
}

function endOf(operation: DeltaOperation | undefined): number | null {
  if (operation === undefined) return 0
  return operation.kind === 'copy' ? operation.from + operation.length : null
}

function startOf(operation: DeltaOperation | undefined, baseBytes: number): number | null {
  if (operation === undefined) return baseBytes
  return operation.kind === 'copy' ? operation.from : null
}

/** Where the bytes of the blocks' signatures equal those of the two blocks that one edit costs. */
function fineBlockBytes(gapBytes: number): number {
  const even = 2 ** Math.round(Math.log2(Math.sqrt(12 * Math.max(gapBytes, 1))))
  return Math.max(FINE_BLOCK_BYTES, even)
}

/** Gives the operations for a literal in the light of the blocks that were asked for. `bytes` is its content. */
export function refine(
  desk: DeltaDesk,
  asked: AskedSignature,
  literal: { readonly at: number; readonly bytes: Uint8Array },
): readonly DeltaOperation[] {
  const { request, blocks } = asked
  const whole: DeltaOperation = { kind: 'literal', at: literal.at, length: literal.bytes.length }
  if (blocks === null || blocks.length === 0) return [whole]
  const builder = new SignatureBuilder(request)
  builder.addRange(blocks, { offset: 0, bytes: request.length })
  const operations: DeltaOperation[] = []
  const matcher = new Matcher({
    signature: builder.build(request.length),
    hashes: desk.hashes,
    salt: desk.salt(),
    listener: {
      operation: (one) =>
        void operations.push(
          one.kind === 'copy'
            ? { ...one, at: one.at + literal.at, from: one.from + request.offset }
            : { ...one, at: one.at + literal.at },
        ),
    },
  })
  matcher.push(literal.bytes)
  matcher.finish()
  return operations
}

/** Literals whose refinement is remembered: senders that work on the same delta are not further apart. */
const REMEMBERED_MAX = 1024

/** What was made of literals for one target, for those that say the same of what lies around them. */
export class Refinements {
  /** By the literal's place among the operations. */
  readonly #made = new Map<number, { blocks: Uint8Array; operations: readonly DeltaOperation[] }>()

  /** The operations for a literal; null where nobody has made them of these very blocks. */
  find(at: number, { blocks }: AskedSignature): readonly DeltaOperation[] | null {
    const made = this.#made.get(at)
    return made !== undefined && blocks !== null && isEqual(made.blocks, blocks)
      ? made.operations
      : null
  }

  keep(at: number, { blocks }: AskedSignature, operations: readonly DeltaOperation[]): void {
    if (blocks === null) return
    this.#made.set(at, { blocks, operations })
    if (this.#made.size <= REMEMBERED_MAX) return
    for (const [oldest] of this.#made) return void this.#made.delete(oldest)
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}
