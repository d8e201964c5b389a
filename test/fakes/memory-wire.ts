import type { InboundBinding } from '../../src/core/apply/inbound.ts'
import type { OutboundSource } from '../../src/core/apply/outbound.ts'
import { type Failure, type Result, success } from '../../src/core/base/result.ts'
import { finish } from '../../src/core/base/working.ts'
import type { BlockCodec } from '../../src/core/transfer/block-codec.ts'
import type { DeltaDesk } from '../../src/core/transfer/delta-desk.ts'
import { Receiver, type ReceiverStep } from '../../src/core/transfer/receiver.ts'
import type { SenderOutcome } from '../../src/core/transfer/sender-ports.ts'
import { Sender } from '../../src/core/transfer/sender.ts'
import { decodeFrame } from '../../src/core/wire/frame-decode.ts'
import { FrameStream } from '../../src/core/wire/frame-stream.ts'
import type { Frame } from '../../src/core/wire/frame.ts'
import { blockHashes } from '../../src/platform/block-hashes.ts'
import { createDeltaDesk } from '../../src/platform/delta-desk.ts'
import { createHasher, hashBytes } from '../../src/platform/hash.ts'
import { frameBytes } from './frame-bytes.ts'

/** Plain blocks: what is sent is what is counted. */
const plainCodec: BlockCodec = {
  compress: (_level, bytes) => ({ compression: 'none', plainBytes: bytes.length, bytes }),
  decompress: (block) => block.bytes,
}

export interface MemoryWireOptions {
  readonly source: OutboundSource
  readonly binding: InboundBinding
  readonly to: number
  readonly content?: 'push' | 'ask'
  /** The connection is lost before this frame, counting those of both sides from 0. */
  readonly loseAt?: number
  /** Changes what the sender sent on its way. */
  readonly tamper?: (frame: Frame) => Frame
  readonly key?: string
  readonly method?: 'copy' | 'patch'
  readonly deltas?: DeltaDesk
  /** Changes what the receiver answers. */
  readonly tamperBack?: (frame: Frame) => Frame
  /** The connection is given up where the sender has nothing to send for so many turns; never, unless it is given. */
  readonly idleTurnsMax?: number
  /** Sets are as large as they may be, unless it is given. */
  readonly setEntriesMax?: number
  /** Called after each step of the sender. */
  readonly onStep?: () => void
}

export interface MemoryWireResult {
  readonly outcome: SenderOutcome | 'lost'
  /** What the receiver refused, if it did. */
  readonly refusal: Failure | null
  readonly sent: readonly Frame[]
  readonly contentBytes: number
  /** How long it takes where nothing takes time but the way, in round trips: until all is applied, and to the end. */
  readonly roundTrips: { readonly applied: number; readonly total: number }
}

/** The signature of the fake key: only who knows it can make or verify it. */
const sign = (key: string) => (statement: Uint8Array) =>
  Buffer.from(hashBytes(Buffer.concat([Buffer.from(key), statement])), 'hex')

/** Runs one job between the real machines over a wire that is only a list, through the real encoding. */
export function overMemory(options: MemoryWireOptions): MemoryWireResult {
  const { source, binding, to } = options
  const wire = new Wire(options.loseAt ?? Infinity)
  const position = binding.position()
  const epoch = source.epoch()
  const sender = new Sender(
    {
      source,
      codec: plainCodec,
      newHasher: createHasher,
      sign: sign(options.key ?? 'key'),
      deltas: options.deltas ?? createDeltaDesk(),
      ...(options.setEntriesMax !== undefined && { setEntriesMax: options.setEntriesMax }),
    },
    {
      jobId: 'job-1',
      sourceId: source.sourceId,
      epoch,
      to,
      bindingId: 'binding-1',
      ticket: 'ticket',
      method: options.method ?? 'patch',
      compression: 0,
      hopCompression: 0,
      children: [],
    },
  )
  const verify = (statement: Uint8Array, signature: Uint8Array) =>
    Buffer.compare(sign('key')(statement), signature) === 0
  const receiver = new Receiver(
    { binding, codec: plainCodec, newHasher: createHasher, blockHashes, verify },
    { sourceId: source.sourceId, epoch, to },
    position.watermark,
  )
  const isKnown = position.watermark?.epoch === epoch
  const opened: Frame = {
    type: 'opened',
    opened: {
      outcome: 'accepted',
      watermark: position.watermark,
      listed: position.listed,
      pending: position.pending.map((entry) => entry.seq),
      content: options.content ?? (isKnown ? 'push' : 'ask'),
      kept: finish(binding.kept(epoch)),
    },
  }
  const sent: Frame[] = []
  const result = (outcome: MemoryWireResult['outcome'], refusal: Failure | null) => {
    receiver.discard()
    sender.close()
    return { outcome, refusal, sent, contentBytes: contentBytes(sent), roundTrips: wire.roundTrips }
  }
  let idleTurns = 0
  for (let turns = 0; ; turns++) {
    if (idleTurns > (options.idleTurnsMax ?? Infinity)) return result('lost', null)
    if (turns > 1_000_000) throw new Error('the machines do not come to an end')
    const turn = sender.next()
    options.onStep?.()
    if (turn.kind === 'ended') return result(turn.outcome, null)
    idleTurns = turn.kind === 'later' ? idleTurns + 1 : 0
    if (turn.kind === 'busy' || turn.kind === 'later') continue
    if (turn.kind === 'waiting') {
      const frame = wire.back()
      if (frame === null) return result('lost', null)
      const taken = sender.receive(frame)
      if (!taken.ok) return result({ ok: false, error: taken.error }, null)
      continue
    }
    sent.push(turn.frame)
    const arrived = wire.over(options.tamper?.(turn.frame) ?? turn.frame)
    if (arrived === null) return result('lost', null)
    if (arrived.type === 'open') {
      wire.answer([opened])
      continue
    }
    const step = takeWhole(receiver, arrived)
    if (!step.ok) return result('lost', step.error)
    wire.answer(step.value.replies.map((reply) => options.tamperBack?.(reply) ?? reply))
  }
}

/** Has a receiver take a frame and do all that it begins. */
function takeWhole(receiver: Receiver, frame: Frame): Result<ReceiverStep> {
  const taken = receiver.receive(frame)
  if (!taken.ok) return taken
  while (receiver.isWorking) {
    const turn = receiver.advance()
    if (!turn.ok) return turn
    if (turn.value !== null) return success(turn.value)
  }
  return taken
}

/** Counts frames and loses the connection when it is time. */
class Wire {
  readonly #loseAt: number
  readonly #stream = new FrameStream()
  readonly #answers: { readonly frame: Frame; readonly at: number }[] = []
  #count = 0
  /** The time at both ends, in round trips: that of the last frame which each has taken. */
  #senderAt = 0
  #receiverAt = 0
  #appliedAt = 0

  constructor(loseAt: number) {
    this.#loseAt = loseAt
  }

  get roundTrips(): MemoryWireResult['roundTrips'] {
    return { applied: this.#appliedAt, total: this.#senderAt }
  }

  over(frame: Frame): Frame | null {
    this.#receiverAt = Math.max(this.#receiverAt, this.#senderAt + 0.5)
    return this.#carry(frame)
  }

  #carry(frame: Frame): Frame | null {
    if (this.#count++ >= this.#loseAt) return null
    let decoded: Frame | null = null
    const pushed = this.#stream.push(frameBytes(frame), (raw) => {
      const result = decodeFrame(raw)
      if (!result.ok) throw new Error(result.error.message)
      decoded = result.value
    })
    if (!pushed.ok) throw new Error(pushed.error.message)
    return decoded
  }

  answer(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.type === 'setDone') this.#appliedAt = this.#receiverAt
      this.#answers.push({ frame, at: this.#receiverAt + 0.5 })
    }
  }

  /** Null where the connection is lost. */
  back(): Frame | null {
    const answer = this.#answers.shift()
    if (answer === undefined) {
      if (this.#count >= this.#loseAt) return null
      throw new Error('the sender waits for what never comes')
    }
    this.#senderAt = Math.max(this.#senderAt, answer.at)
    return this.#carry(answer.frame)
  }
}

function contentBytes(frames: readonly Frame[]): number {
  let bytes = 0
  for (const frame of frames)
    if (frame.type === 'pack' || frame.type === 'fileData') bytes += frame.block.plainBytes
  return bytes
}
