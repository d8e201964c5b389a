import type { KeptContent } from '../apply/inbound.ts'
import type { OutboundRow } from '../apply/outbound.ts'
import { CONTENT_CHUNK_BYTES, FRAME_BYTES_MAX, SMALL_FILE_BYTES_MAX } from '../base/limits.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import type { BlockCodec } from './block-codec.ts'
import { type ReadOutcome, type Reading, readSteps, readWhole } from './file-reading.ts'
import { type Patching, sendPatch } from './outgoing-patch.ts'
import { sendRest } from './outgoing-rest.ts'
import { BUSY, type Steps, send } from './sender-ports.ts'
import type { FindingsCollector } from './set-findings.ts'

/** More than index and size of a packed file take. */
const PACK_HEAD_BYTES = 16

/** Small files in one step at most that turn out to be gone or changed. */
const MISSED_PER_STEP = 64

/** How the content of one set's files is read and sent. */
export interface ContentPorts {
  readonly reading: Reading
  readonly codec: BlockCodec
  readonly compression: number
  readonly findings: FindingsCollector
  /** By seq: what the target has of contents that were broken off. */
  readonly kept: ReadonlyMap<number, KeptContent>
  /** Null where files go whole. */
  readonly patching: Patching | null
}

/** Sends the content of some of a set's files: small ones packed together, large ones alone, in the order given. */
export function* sendContents(
  ports: ContentPorts,
  rows: readonly OutboundRow[],
  indexes: readonly number[],
): Steps<void> {
  const pack = new Pack(ports)
  let missed = 0
  for (const index of indexes) {
    const row = rows[index]
    if (row === undefined || ports.findings.isOut(index)) continue
    const size = row.fingerprint?.size ?? 0
    if (size > SMALL_FILE_BYTES_MAX) {
      yield* pack.flush()
      yield* sendLarge(ports, row, index)
    } else {
      if (!pack.hasRoom(size)) yield* pack.flush()
      // What is gone fills no frame, and reading on and on would leave nobody else a turn.
      if (!pack.add(row, index, size) && ++missed % MISSED_PER_STEP === 0) yield BUSY
    }
  }
  yield* pack.flush()
}

function* sendLarge(ports: ContentPorts, row: OutboundRow, index: number): Steps<void> {
  const kept = row.isRestless === true ? undefined : ports.kept.get(row.entry.seq)
  if (kept !== undefined && (yield* sendRest(ports, { row, index, kept }))) return
  const patching = row.isRestless === true ? null : ports.patching
  if (patching !== null && (yield* sendPatch(ports, patching, { row, index }))) return
  yield send({ type: 'fileBegin', index })
  const outcome = yield* readSteps(ports.reading, row, (chunk) =>
    send({ type: 'fileData', block: ports.codec.compress(ports.compression, chunk) }),
  )
  yield send({ type: 'fileEnd', whole: ports.findings.sent(index, row, outcome) })
}

/** Small files on their way into one frame. */
class Pack {
  readonly #ports: ContentPorts
  readonly #writer = new ByteWriter()

  constructor(ports: ContentPorts) {
    this.#ports = ports
  }

  hasRoom(size: number): boolean {
    return this.#writer.length + PACK_HEAD_BYTES + size <= CONTENT_CHUNK_BYTES
  }

  /** False where the file is not what its row says, so that nothing was added. */
  add(row: OutboundRow, index: number, size: number): boolean {
    const before = this.#writer.length
    this.#writer.count(index)
    this.#writer.count(size)
    const outcome: ReadOutcome = readWhole(this.#ports.reading, row, this.#writer.room(size))
    if (this.#ports.findings.sent(index, row, outcome)) return true
    this.#writer.drop(this.#writer.length - before)
    return false
  }

  *flush(): Steps<void> {
    if (this.#writer.length === 0) return
    const { codec, compression } = this.#ports
    yield send({ type: 'pack', block: codec.compress(compression, this.#writer.done()) })
    this.#writer.clear()
  }
}

// A chunk, its pack heads and the frame's own must fit a frame even where nothing shrinks.
if (CONTENT_CHUNK_BYTES + SMALL_FILE_BYTES_MAX >= FRAME_BYTES_MAX)
  throw new Error('a content chunk does not fit into a frame')
