import { toAppError } from '../../core/base/errors.ts'
import { type Failure, failure } from '../../core/base/result.ts'
import type { SenderOutcome } from '../../core/transfer/sender-ports.ts'
import type { Sender, SenderTurn } from '../../core/transfer/sender.ts'
import type { Block, Frame } from '../../core/wire/frame.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Conversation } from './conversation.ts'

/** The sender works so long before others have their turn: detection must not wait for transfers. */
const SLICE_MS = 4
/** The sender asks its journal again after this time where that had no more. */
const LATER_MS = 5

export interface DriveOptions {
  readonly conversation: Conversation
  readonly sender: Sender
  readonly clock: Clock
  readonly aliveMs: number
  readonly signal: AbortSignal
  /** Why the signal was aborted. */
  readonly cancelled: () => Failure | null
  readonly onProgress: () => void
  /** Packs blocks that the sender leaves plain because packing takes long; null where it packs them itself. */
  readonly pack: ((block: Block) => Promise<Block>) | null
}

/**
 * Runs a sender over a connection to the end of its job. A connection on which anything went wrong is closed: nobody
 * knows what the other side has of the frames that were on their way.
 */
export async function drive(options: DriveOptions): Promise<SenderOutcome> {
  const { conversation, sender } = options
  conversation.listen((frame) => {
    const taken = sender.receive(frame)
    if (!taken.ok) conversation.close(frame.type === 'error' ? null : taken.error)
    if (!taken.ok) refusal ??= taken.error
  })
  let refusal: Failure | null = null
  try {
    const outcome = await takeTurns(options)
    return refusal === null ? outcome : { ok: false, error: refusal }
  } catch (thrown) {
    const { code, message } = toAppError(thrown)
    conversation.close({ code, message })
    return failure(code, message)
  } finally {
    conversation.listen(null)
    sender.close()
  }
}

async function takeTurns(options: DriveOptions): Promise<SenderOutcome> {
  const { conversation, sender, signal } = options
  const pace = new Pace(options)
  for (;;) {
    if (signal.aborted) return cancel(options)
    if (conversation.failure !== null) return { ok: false, error: conversation.failure }
    const turn: SenderTurn = sender.next()
    if (turn.kind === 'ended') return turn.outcome
    if (turn.kind === 'frame') {
      const { pack } = options
      const { frame } = turn
      conversation.connection.send(pack === null ? frame : await packed(pack, frame))
    }
    // Not awaited without a reason: small frames leave together where the loop goes on at once.
    const pause = turn.kind === 'waiting' ? conversation.change(signal) : pace.after(turn.kind)
    if (pause !== null) await pause
    if (turn.kind === 'later') await new Promise((resolve) => setTimeout(resolve, LATER_MS))
    options.onProgress()
  }
}

/** The sender's bytes stay valid until its next step, so that they can wait here. */
async function packed(pack: NonNullable<DriveOptions['pack']>, frame: Frame): Promise<Frame> {
  return 'block' in frame ? { ...frame, block: await pack(frame.block) } : frame
}

function cancel(options: DriveOptions): SenderOutcome {
  const reason = options.cancelled() ?? { code: 'CANCELLED', message: 'the job was cancelled' }
  options.conversation.close(reason)
  return { ok: false, error: reason }
}

/** Keeps a sender from filling the memory, the event loop, or the other side's patience. */
class Pace {
  readonly #options: DriveOptions
  #sliceEndsAtMs: number
  #sentAtMs: number

  constructor(options: DriveOptions) {
    this.#options = options
    this.#sentAtMs = options.clock.nowMs()
    this.#sliceEndsAtMs = performance.now() + SLICE_MS
  }

  /** Gives what is to be waited for before the next step, null for nothing. */
  after(kind: 'frame' | 'busy' | 'later'): Promise<void> | null {
    const { clock, conversation, aliveMs, signal } = this.#options
    const { connection } = conversation
    if (kind === 'frame') this.#sentAtMs = clock.nowMs()
    else if (Math.abs(clock.nowMs() - this.#sentAtMs) > aliveMs) {
      connection.send({ type: 'alive' })
      this.#sentAtMs = clock.nowMs()
    }
    if (!connection.hasRoom) return this.#slice(conversation.room(signal))
    if (performance.now() < this.#sliceEndsAtMs) return null
    return this.#slice(new Promise((resolve) => setImmediate(resolve)))
  }

  /** Begins the next slice after a pause. */
  async #slice(pause: Promise<void>): Promise<void> {
    await pause
    this.#sliceEndsAtMs = performance.now() + SLICE_MS
  }
}
