import type { ContentHash } from '../change/entry.ts'
import { SIGNATURE_BLOCKS_MAX, blockBytesFor } from '../delta/block-size.ts'
import { type Signature, SignatureBuilder } from '../delta/signature.ts'
import type { Base, SignatureRequest } from '../wire/patch-frames.ts'
import type { DeltaDesk } from './delta-desk.ts'
import type { AskedSignature, PatchMail } from './patch-mail.ts'
import { type SenderPorts, type Steps, WAITING, send } from './sender-ports.ts'

/** Signed by the target between two frames, in bytes. */
const STRETCH_BYTES = 4 << 20
/** Stretches asked for ahead of their answers. */
const ASKED_MAX = 8

export interface NamedSignature {
  readonly signature: Signature
  readonly id: string
}

export interface SignatureContext {
  readonly desk: DeltaDesk
  readonly mail: PatchMail
  readonly newHasher: SenderPorts['newHasher']
}

/**
 * Gives the signature of a base: the one that is kept, or the target's own, which serves no other target unless that one
 * says the same of the same version. Null where the target cannot read its file any more.
 */
export function* signatureOf(context: SignatureContext, base: Base): Steps<NamedSignature | null> {
  const kept = context.desk.kept(base.hash)
  if (kept !== null) return { signature: kept, id: `kept/${base.hash}` }
  const blockBytes = blockBytesFor(base.size)
  if (base.size < blockBytes || base.size / blockBytes > SIGNATURE_BLOCKS_MAX - 1) return null
  return yield* askWhole(context, base, blockBytes)
}

function* askWhole(
  context: SignatureContext,
  base: Base,
  blockBytes: number,
): Steps<NamedSignature | null> {
  const shape = { blockBytes, seed: context.desk.seed }
  const builder = new SignatureBuilder(shape, Math.ceil(base.size / blockBytes))
  const hasher = context.newHasher()
  const asked: AskedSignature[] = []
  let isGone = false
  for (let offset = 0; offset < base.size || asked.length > 0;) {
    if (offset < base.size && asked.length < ASKED_MAX && !isGone) {
      const request = { index: base.index, offset, length: stretchAt(offset, base.size), ...shape }
      asked.push(context.mail.ask(request))
      yield send({ type: 'signatureWanted', request })
      offset += request.length
      continue
    }
    const [first] = asked
    if (first === undefined) break
    if (first.blocks === null) yield WAITING
    else {
      asked.shift()
      isGone ||= first.blocks.length === 0
      hasher.update(first.blocks)
      builder.addRange(first.blocks, { offset: first.request.offset, bytes: first.request.length })
    }
  }
  return isGone ? null : named(builder.build(base.size), base, hasher.digest())
}

/** The last stretch takes what is left, since none may be shorter than a block. */
function stretchAt(offset: number, fileBytes: number): SignatureRequest['length'] {
  const left = fileBytes - offset
  return left < 2 * STRETCH_BYTES ? left : STRETCH_BYTES
}

function named(signature: Signature, { hash }: Base, digest: ContentHash): NamedSignature {
  return { signature, id: `${hash}/${signature.blockBytes}/${digest}` }
}
