import type { OutboundRow } from '../apply/outbound.ts'
import type { ReadHandle } from '../apply/target-tree.ts'
import { CONTENT_CHUNK_BYTES, SMALL_FILE_BYTES_MAX } from '../base/limits.ts'
import type { DeltaOperation } from '../delta/matcher.ts'
import type { Base } from '../wire/patch-frames.ts'
import { type SignatureContext, signatureOf } from './base-signature.ts'
import { type ReadOutcome, openAsSaid } from './file-reading.ts'
import { gapRequest, refine } from './fine-literals.ts'
import type { ContentPorts } from './outgoing-content.ts'
import type { AskedSignature } from './patch-mail.ts'
import { BUSY, type Steps, WAITING, send } from './sender-ports.ts'
import type { SharedDelta } from './shared-delta.ts'

/** Literals whose surroundings are asked for ahead of their turn. */
const GAPS_MAX = 256

/** What sending changes to older versions takes. */
export interface Patching extends SignatureContext {
  readonly epoch: string
  /** By index: what the target holds for the files of this set. */
  readonly bases: ReadonlyMap<number, Base>
}

export interface PatchedFile {
  readonly row: OutboundRow
  readonly index: number
}

/** Tells whether a target that has the source's files may hold an older version of this one. */
export function mayHaveBase({ entry }: OutboundRow): boolean {
  const size = entry.state?.type === 'file' ? entry.state.size : 0
  return size > SMALL_FILE_BYTES_MAX && (entry.operation !== 'create' || entry.from !== null)
}

/** Sends a file as changes to what the target holds; false where it must go whole. */
export function* sendPatch(
  ports: ContentPorts,
  patching: Patching,
  file: PatchedFile,
): Steps<boolean> {
  const base = patching.bases.get(file.index)
  if (base === undefined) return false
  const named = yield* signatureOf(patching, base)
  if (named === null) return false
  const { desk, epoch } = patching
  const key = { epoch, row: file.row, signature: named.signature, signatureId: named.id }
  const { delta, leave } = desk.join(key, ports.reading)
  try {
    yield* sendDelta(ports, { patching, file, delta, base })
  } finally {
    leave()
  }
  return true
}

interface Sending {
  readonly patching: Patching
  readonly file: PatchedFile
  readonly delta: SharedDelta
  readonly base: Base
}

function* sendDelta(ports: ContentPorts, sending: Sending): Steps<void> {
  const { patching, file } = sending
  const { row, index } = file
  const opened = openAsSaid(ports.reading.tree(), row)
  try {
    yield send({ type: 'patchBegin', index })
    const outcome: ReadOutcome | null =
      'kind' in opened ? opened : yield* sendOperations(ports, opened, sending)
    // Without an outcome nobody knows what the file is: it goes whole, and that will tell.
    const isSent = outcome !== null && ports.findings.sent(index, row, outcome)
    const hash = isSent && outcome.kind === 'read' ? outcome.hash : null
    patching.mail.sent(index)
    yield send({ type: 'patchEnd', hash })
  } finally {
    if (!('kind' in opened)) opened.close()
  }
}

/** Runs ahead over the operations to ask about what lies around literals, and sends them in order. */
function* sendOperations(
  ports: ContentPorts,
  handle: ReadHandle,
  { patching, file, delta, base }: Sending,
): Steps<ReadOutcome | null> {
  const context = { index: file.index, baseBytes: base.size, desk: patching.desk }
  const gaps = new Map<number, AskedSignature>()
  const { operations } = delta
  let looked = 0
  for (let cursor = 0; ;) {
    const isOver = delta.outcome !== null || delta.isBroken
    while (gaps.size < GAPS_MAX && isWhole(operations, looked, isOver)) {
      const request = gapRequest(context, operations, looked)
      if (request !== null) {
        gaps.set(looked, patching.mail.ask(request))
        yield send({ type: 'signatureWanted', request })
      }
      looked++
    }
    const operation = operations[cursor]
    const gap = gaps.get(cursor)
    if (operation !== undefined && cursor < looked && gap?.blocks !== null) {
      gaps.delete(cursor)
      const literal = { operation, at: cursor++, gap }
      if (!(yield* sendRefined(ports, handle, { literal, delta, patching })))
        return { kind: 'changed' }
    } else if (!isOver) {
      delta.advance()
      yield BUSY
    } else if (operation === undefined) return delta.outcome
    else yield WAITING
  }
}

/** Whether an operation is known with what comes after it. */
function isWhole(operations: readonly DeltaOperation[], at: number, isOver: boolean): boolean {
  const operation = operations[at]
  if (operation === undefined) return false
  return operation.kind === 'copy' || isOver || operations.length > at + 1
}

interface Refining {
  /** Its place among the operations, and what was asked about what lies around it. */
  readonly literal: {
    readonly operation: DeltaOperation
    readonly at: number
    readonly gap: AskedSignature | undefined
  }
  readonly delta: SharedDelta
  readonly patching: Patching
}

function* sendRefined(
  ports: ContentPorts,
  handle: ReadHandle,
  { literal, delta, patching }: Refining,
): Steps<boolean> {
  const { operation, at, gap } = literal
  if (gap === undefined) return yield* sendOperation(ports, handle, operation)
  let operations = delta.refinements.find(at, gap)
  if (operations === null) {
    const bytes = readAll(handle, operation)
    if (bytes === null) return false
    operations = refine(patching.desk, gap, { at: operation.at, bytes })
    delta.refinements.keep(at, gap, operations)
  }
  for (const one of operations) if (!(yield* sendOperation(ports, handle, one))) return false
  return true
}

/** The content of a literal; null where the file is shorter by now. */
function readAll(handle: ReadHandle, { at, length }: DeltaOperation): Uint8Array | null {
  const bytes = new Uint8Array(length)
  for (let filled = 0; filled < length;) {
    const read = handle.read(bytes.subarray(filled), at + filled)
    if (read === 0) return null
    filled += read
  }
  return bytes
}

function* sendOperation(
  ports: ContentPorts,
  handle: ReadHandle,
  operation: DeltaOperation,
): Steps<boolean> {
  if (operation.kind === 'copy') {
    yield send({ type: 'fileCopy', from: operation.from, length: operation.length })
    return true
  }
  const { codec, compression, reading } = ports
  const end = operation.at + operation.length
  for (let position = operation.at; position < end;) {
    const wantedBytes = Math.min(CONTENT_CHUNK_BYTES, end - position)
    const read = handle.read(reading.buffer.subarray(0, wantedBytes), position)
    if (read === 0) return false
    position += read
    const block = codec.compress(compression, reading.buffer.subarray(0, read))
    yield send({ type: 'fileData', block })
  }
  return true
}

/** Waits until the target has said what became of every patch; gives the files that must go whole. */
export function* settlePatches(ports: ContentPorts, patching: Patching): Steps<number[]> {
  while (patching.mail.isWaiting) yield WAITING
  return patching.mail.takeFailed().filter((index) => !ports.findings.isOut(index))
}
