import type { Result } from '../../core/base/result.ts'
import type { Receiver, ReceiverStep } from '../../core/transfer/receiver.ts'
import type { Frame } from '../../core/wire/frame.ts'
import { SpareBuffers } from './spare-buffers.ts'

/** A set is worked on so long before others have their turn. */
const SLICE_MS = 4
/** Bytes of frames that wait meanwhile; what is more waits at the sender. */
const HELD_BYTES_MAX = 8 << 20
/** A sign of life to the sender at the latest so often, while a set is worked on: one that passes on waits for no more. */
const ALIVE_MS = 1000

type FrameReceiver = Pick<Receiver, 'receive' | 'advance' | 'isWorking'>

/** What an intake tells whoever owns it. */
export interface IntakeHost {
  /** Does a step of the receiver; null where that failed, and the intake was closed. */
  guard<T>(step: () => Result<T>): T | null
  /** Something came of a frame. */
  taken(step: ReceiverStep): void
  /** Stops the sender's frames, or lets them come again. */
  hold(isHeld: boolean): void
  /** Says to the sender that this side is alive. */
  alive(): void
}

/**
 * Feeds frames to a receiver one after the other. What comes while it works on a set waits here, so that one set is still
 * being applied while the next one arrives, and everybody else on this thread has a turn in between.
 */
export class Intake {
  readonly #receiver: FrameReceiver
  readonly #host: IntakeHost
  readonly #waiting: Frame[] = []
  readonly #buffers = new SpareBuffers(HELD_BYTES_MAX)
  #waitingBytes = 0
  #isHeld = false
  #state: 'idle' | 'busy' | 'ending' | 'closed' = 'idle'
  #idle = Promise.withResolvers<void>()
  #sliceEndsAtMs = 0
  #toldAtMs = 0

  constructor(receiver: FrameReceiver, host: IntakeHost) {
    this.#receiver = receiver
    this.#host = host
  }

  /** Takes the next frame. Its bytes are not used after this returns, unless copied. */
  take(frame: Frame): void {
    if (this.#state === 'busy') this.#keep(frame)
    if (this.#state !== 'idle') return
    this.#state = 'busy'
    this.#sliceEndsAtMs = performance.now() + SLICE_MS
    void this.#run(frame)
  }

  /** Ends what was begun with the frames that came so far, and takes no others; resolves when it is done. */
  async end(): Promise<void> {
    if (this.#state !== 'busy') return
    this.#state = 'ending'
    this.#drop()
    await this.#idle.promise
  }

  /** Nothing is done any more. */
  close(): void {
    this.#state = 'closed'
    this.#drop()
    this.#buffers.clear()
    this.#idle.resolve()
  }

  get #isClosed(): boolean {
    return this.#state === 'closed'
  }

  async #run(first: Frame): Promise<void> {
    for (let frame: Frame | undefined = first; frame !== undefined; frame = this.#next()) {
      const taken = frame
      this.#conclude(this.#host.guard(() => this.#receiver.receive(taken)))
      if (taken !== first && 'block' in taken) this.#buffers.giveBack(taken.block.bytes)
      while (!this.#isClosed && this.#receiver.isWorking) {
        if (performance.now() >= this.#sliceEndsAtMs) await this.#breathe()
        if (!this.#isClosed) this.#conclude(this.#host.guard(() => this.#receiver.advance()))
      }
      if (this.#waiting.length > 0 && performance.now() >= this.#sliceEndsAtMs)
        await this.#breathe()
    }
    if (this.#state === 'busy') this.#state = 'idle'
    this.#idle.resolve()
    this.#idle = Promise.withResolvers<void>()
  }

  #conclude(step: ReceiverStep | null): void {
    if (step !== null && !this.#isClosed) this.#host.taken(step)
  }

  async #breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    const nowMs = performance.now()
    this.#sliceEndsAtMs = nowMs + SLICE_MS
    if (this.#toldAtMs === 0) this.#toldAtMs = nowMs
    if (this.#isClosed || nowMs - this.#toldAtMs < ALIVE_MS) return
    this.#toldAtMs = nowMs
    this.#host.alive()
  }

  #keep(frame: Frame): void {
    if ('block' in frame) {
      const bytes = this.#buffers.copy(frame.block.bytes)
      this.#waiting.push({ ...frame, block: { ...frame.block, bytes } })
    } else this.#waiting.push(frame)
    this.#count(bytesOf(frame))
  }

  #next(): Frame | undefined {
    if (this.#isClosed) return undefined
    const frame = this.#waiting.shift()
    if (frame !== undefined) this.#count(-bytesOf(frame))
    return frame
  }

  #drop(): void {
    this.#waiting.length = 0
    this.#count(-this.#waitingBytes)
  }

  #count(bytes: number): void {
    this.#waitingBytes += bytes
    const isHeld = this.#isHeld ? this.#waitingBytes > HELD_BYTES_MAX / 2 : this.#isTooMuch
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#host.hold(isHeld)
  }

  get #isTooMuch(): boolean {
    return this.#waitingBytes > HELD_BYTES_MAX
  }
}

/** With something for what a frame without content takes, so that these are bounded too. */
function bytesOf(frame: Frame): number {
  return 256 + ('block' in frame ? frame.block.bytes.length : 0)
}
