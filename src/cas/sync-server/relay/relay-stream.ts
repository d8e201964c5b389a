import type { Failure } from '../../../core/base/result.ts'
import { Relay } from '../../../core/transfer/relay.ts'
import type { OpenMessage } from '../../../core/wire/frame-messages.ts'
import type { Frame } from '../../../core/wire/frame.ts'
import { ChildLink } from './child-link.ts'
import { RELAY_QUEUE_BYTES, type RelayOptions } from './options.ts'

/** What a stream that is passed on asks of the connection it comes by. */
export interface ParentSide {
  /** Sends replies that waited for a child. */
  reply(frames: readonly Frame[]): void
  /** Stops reading, or goes on. */
  pause(isPaused: boolean): void
}

/** Passes one stream on to its children while it comes. A child in trouble is dropped; the others and the parent go on. */
export class RelayStream {
  readonly #options: RelayOptions
  readonly #parent: ParentSide
  readonly #links: readonly ChildLink[]
  readonly #relay: Relay
  readonly #timer: ReturnType<typeof setInterval>
  #isHeld = false
  #saidAtMs: number

  constructor(options: RelayOptions, open: OpenMessage, parent: ParentSide) {
    this.#options = options
    this.#parent = parent
    this.#saidAtMs = options.clock.nowMs()
    const queueBytesMax = RELAY_QUEUE_BYTES / open.children.length
    const changed = (): void => this.#changed()
    this.#links = open.children.map(
      (node) => new ChildLink(options, { node, open, queueBytesMax, changed }),
    )
    this.#relay = new Relay(this.#links.map((link) => link.child))
    this.#timer = setInterval(() => this.#look(), options.times.lookMs)
  }

  /** Passes a frame of the parent on, as far as it is for others; to be called before it is acted on here. */
  offer(frame: Frame): void {
    const passed = this.#relay.passOn(frame)
    if (passed === null) return
    for (const link of this.#links) link.offer(passed)
    // What this server does with the frame may take a while, and the children need not wait for that.
    for (const link of this.#links) link.flush()
    this.#balance()
  }

  /** Gives what of the own replies may go to the parent now; the rest follows when the children let it. */
  replies(own: readonly Frame[]): Frame[] {
    return this.#relay.replies(own)
  }

  /** Ends it; children that have not ended are dropped. */
  close(reason: Failure): void {
    clearInterval(this.#timer)
    for (const link of this.#links) link.drop(reason)
  }

  #changed(): void {
    for (const link of this.#links) if (link.isGone) this.#relay.gone(link.child)
    this.#balance()
    this.#parent.reply(this.#relay.released())
  }

  /** The parent waits while one child cannot take more, for as long as that child is borne with. */
  #balance(): void {
    const isHeld = this.#isHeld
      ? !this.#links.every((link) => link.hasRoom)
      : this.#links.some((link) => link.isFull)
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#parent.pause(isHeld)
  }

  #look(): void {
    for (const link of this.#links) link.look(this.#isHeld && !link.hasRoom)
    const nowMs = this.#options.clock.nowMs()
    if (Math.abs(nowMs - this.#saidAtMs) < this.#options.times.aliveMs) return
    this.#saidAtMs = nowMs
    this.#parent.reply([{ type: 'alive' }])
  }
}
