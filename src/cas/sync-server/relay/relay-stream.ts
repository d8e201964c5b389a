import type { KeptContent } from '../../../core/apply/inbound.ts'
import type { Failure } from '../../../core/base/result.ts'
import type { Position } from '../../../core/change/entry.ts'
import { Relay } from '../../../core/transfer/relay.ts'
import type { JobNode } from '../../../core/wire/control.ts'
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
  /** For how long its host has said nothing; null where nobody can tell. */
  unheardMs(): number | null
}

/** What a stream tells and asks of the one who keeps them all. */
export interface StreamHost {
  /** Whether a stream may go on by itself after the end of the job here. */
  mayLeave(): boolean
  /** It is over: nothing of it is left. */
  ended(): void
}

export interface StreamOrder {
  readonly open: OpenMessage
  readonly parent: ParentSide
  readonly host: StreamHost
}

/**
 * Passes one stream on to its children while it comes. A child in trouble is dropped; the others and the parent go on.
 * Once the job has ended here, the stream leaves its parent, whose next job may come, and goes on until the last child
 * has taken what it was given.
 */
export class RelayStream {
  readonly #options: RelayOptions
  readonly #parent: ParentSide
  readonly #host: StreamHost
  readonly #links: readonly ChildLink[]
  readonly #relay: Relay
  readonly #jobId: string
  readonly #epoch: string
  readonly #timer: ReturnType<typeof setInterval>
  #isHeld = false
  #isOver = false
  #saidAtMs: number
  /** Who waits for the children's answers to the opening. */
  #awaited: PromiseWithResolvers<void> | null = null

  constructor(options: RelayOptions, { open, parent, host }: StreamOrder) {
    this.#options = options
    this.#parent = parent
    this.#host = host
    this.#jobId = open.jobId
    this.#epoch = open.epoch
    this.#saidAtMs = options.clock.nowMs()
    const queueBytesMax = RELAY_QUEUE_BYTES / open.children.length
    const changed = (): void => this.#changed()
    // What goes on without the parent says nothing of it.
    const unheardMs = () => (this.hasLeft ? null : parent.unheardMs())
    this.#links = open.children.map(
      (node) => new ChildLink(options, { node, open, queueBytesMax, changed, unheardMs }),
    )
    const children = this.#links.map((link) => link.child)
    this.#relay = new Relay(children, () => host.mayLeave())
    this.#timer = setInterval(() => this.#look(), options.times.lookMs)
  }

  /** True once the parent has nothing to do with it any more. */
  get hasLeft(): boolean {
    return this.#relay.hasLeft
  }

  get jobId(): string {
    return this.#jobId
  }

  /** Takes new options of hops to its children. */
  changeHops(hops: readonly Pick<JobNode, 'bindingId' | 'hop'>[]): void {
    for (const { bindingId, hop } of hops)
      for (const link of this.#links) if (link.bindingId === bindingId) link.changeHop(hop)
  }

  /**
   * What each child has of contents that were broken off, once all have opened the stream; nothing where one of them takes
   * too long for that.
   */
  async kept(): Promise<readonly (readonly KeptContent[])[]> {
    await this.#opened()
    if (this.#isOpening) return [[]]
    return this.#links.filter((link) => !link.isGone).map((link) => link.child.kept)
  }

  /**
   * Of the lists that were broken off here (`own`, where one was) and below, where the source was when the first began;
   * null where none was. A child that takes too long to say so may have to do without this stream.
   */
  async listed(own: Position | null): Promise<Position | null> {
    if (own !== null) await this.#opened()
    const seqs = [own?.seq ?? null, ...this.#links.map((link) => link.child.listed)]
    const known = seqs.filter((seq) => seq !== null)
    if (known.length === 0) return null
    const seq = Math.min(...known)
    for (const link of this.#links) link.child.toldFrom = seq
    return { epoch: this.#epoch, seq }
  }

  /** Waits until all children have opened the stream, for a while. */
  async #opened(): Promise<void> {
    this.#awaited ??= Promise.withResolvers()
    this.#endWaiting()
    await Promise.race([this.#awaited.promise, Bun.sleep(this.#options.times.keptMs)])
  }

  /** Passes a frame of the parent on, as far as it is for others; to be called before it is acted on here. */
  offer(frame: Frame): void {
    const passed = this.#relay.passOn(frame)
    if (passed === null) return
    for (const link of this.#links) link.offer(passed)
    // What this server does with the frame may take a while, and the children need not wait for that.
    for (const link of this.#links) link.settle()
    this.#balance()
  }

  /** Gives what of the own replies may go to the parent now; the rest follows when the children let it. */
  replies(own: readonly Frame[]): Frame[] {
    return this.#leaving(this.#relay.replies(own))
  }

  /** No more comes from the parent: children that were not given everything are lost to the stream. */
  parentGone(reason: Failure): void {
    for (const link of this.#links) if (!link.hasAll) link.lose(reason)
  }

  /** Drops the children that are no peers any more. */
  shutOut(isGone: (serverId: string) => boolean): void {
    const reason: Failure = { code: 'PEER_UNTRUSTED', message: 'it is no peer any more' }
    for (const link of this.#links) if (isGone(link.serverId)) link.drop(reason)
  }

  /** Ends it for all children, wherever they are. */
  stop(reason: Failure): void {
    for (const link of this.#links) link.lose(reason)
    this.#endIfOver()
  }

  #changed(): void {
    for (const link of this.#links) if (link.isGone) this.#relay.gone(link.child)
    this.#balance()
    this.#endWaiting()
    this.#tell()
    this.#endIfOver()
  }

  get #isOpening(): boolean {
    return this.#links.some((link) => !link.isGone && link.child.state === 'opening')
  }

  #endWaiting(): void {
    if (!this.#isOpening) this.#awaited?.resolve()
  }

  #tell(): void {
    const frames = this.#leaving(this.#relay.released())
    if (frames.length > 0) this.#parent.reply(frames)
  }

  /** A parent that was told the end is not held up any more, whatever still waits here. */
  #leaving(frames: Frame[]): Frame[] {
    if (!this.hasLeft || !this.#isHeld) return frames
    this.#isHeld = false
    this.#parent.pause(false)
    return frames
  }

  #endIfOver(): void {
    if (this.#isOver || !this.#links.every((link) => link.isGone)) return
    this.#isOver = true
    clearInterval(this.#timer)
    this.#host.ended()
  }

  /** The parent waits while one child cannot take more, for as long as that child is borne with. */
  #balance(): void {
    if (this.hasLeft) return
    const isHeld = this.#isHeld
      ? !this.#links.every((link) => link.hasRoom)
      : this.#links.some((link) => link.isFull)
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#parent.pause(isHeld)
  }

  #look(): void {
    const isLeft = this.hasLeft
    for (const link of this.#links) link.look({ isHeld: this.#isHeld && !link.hasRoom, isLeft })
    if (isLeft) return
    this.#tell()
    const nowMs = this.#options.clock.nowMs()
    if (Math.abs(nowMs - this.#saidAtMs) < this.#options.times.beatMs) return
    this.#saidAtMs = nowMs
    if (!this.hasLeft) this.#parent.reply([{ type: 'alive' }])
  }
}
