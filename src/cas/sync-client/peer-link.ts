import type { OutboundSource } from '../../core/apply/outbound.ts'
import { AppError, toAppError } from '../../core/base/errors.ts'
import { failure } from '../../core/base/result.ts'
import type { SenderOutcome, SenderPorts } from '../../core/transfer/sender-ports.ts'
import { Sender } from '../../core/transfer/sender.ts'
import { blockCodec, packAside } from '../../platform/block-codec.ts'
import { SLOW_LEVEL_MIN } from '../../platform/compression.ts'
import { createHasher } from '../../platform/hash.ts'
import { createSigner } from '../../platform/set-signature.ts'
import { connectTo } from './connect.ts'
import type { Conversation } from './conversation.ts'
import { drive } from './drive.ts'
import { CLIENT_TIMES, type ClientTimes, type LinkOptions } from './options.ts'
import { plainEnd } from './plain-end.ts'
import type { Slots } from './slots.ts'
import type { AttemptProgress, TargetRun } from './target-run.ts'

/** Whom a link leads to, and how. */
interface LinkPeer {
  readonly serverId: string
  readonly isPlain: boolean
}

/**
 * The way to one other server with one kind of security: a connection that is kept, and the runs that use it one after
 * another.
 */
export class PeerLink {
  readonly #peer: LinkPeer
  /** By which the plain connection that is kept was made. */
  #hopKey: string | null = null
  readonly #options: LinkOptions
  readonly #times: ClientTimes
  readonly #slots: Slots
  #conversation: Conversation | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(peer: LinkPeer, options: LinkOptions, slots: Slots) {
    this.#peer = peer
    this.#slots = slots
    this.#options = options
    this.#times = options.times ?? CLIENT_TIMES
  }

  get serverId(): string {
    return this.#peer.serverId
  }

  /** Makes one attempt when all before it are over. Never rejects. */
  attempt(run: TargetRun): Promise<SenderOutcome> {
    const attempt = this.#turn.then(() => this.#slots.use(() => this.#attempt(run)))
    this.#turn = attempt
    return attempt
  }

  close(): void {
    this.#conversation?.close(null)
    this.#conversation = null
  }

  async #attempt(run: TargetRun): Promise<SenderOutcome> {
    if (run.cancelled !== null) return { ok: false, error: run.cancelled }
    run.begin()
    try {
      return await this.#sendFrom(this.#options.outbound(run.job), run)
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      return run.cancelled === null ? failure(code, message) : { ok: false, error: run.cancelled }
    }
  }

  async #sendFrom(source: OutboundSource | null, run: TargetRun): Promise<SenderOutcome> {
    if (source === null)
      return failure('SOURCE_UNAVAILABLE', `source "${run.job.sourceId}" is not to be had here`)
    try {
      return await this.#send(run, {
        source,
        codec: blockCodec,
        newHasher: createHasher,
        deltas: this.#options.deltas,
        sign: createSigner(this.#options.identity().key),
      })
    } finally {
      if (source.kind === 'held') source.close()
    }
  }

  async #send(run: TargetRun, ports: SenderPorts): Promise<SenderOutcome> {
    const isKept = this.#conversation?.failure === null && this.#hopKey === this.#hopKeyNow
    const conversation = isKept ? this.#kept() : await this.#connect(run)
    const { outcome, isUnanswered } = await this.#converse(run, ports, conversation)
    // A kept connection may have died unnoticed: that says nothing about the target.
    const isStale = isKept && isUnanswered && !outcome.ok && conversation.failure !== null
    if (!isStale || run.cancelled !== null) return outcome
    return (await this.#converse(run, ports, await this.#connect(run))).outcome
  }

  /** Null with TLS, and where the master gave none. */
  get #hopKeyNow(): string | null {
    const { serverId, isPlain } = this.#peer
    return isPlain ? this.#options.hopKeyOf(serverId) : null
  }

  #kept(): Conversation {
    if (this.#conversation === null) throw new AppError('INTERNAL', 'no connection is kept')
    return this.#conversation
  }

  async #converse(
    run: TargetRun,
    ports: SenderPorts,
    conversation: Conversation,
  ): Promise<{ outcome: SenderOutcome; isUnanswered: boolean }> {
    const { connection } = conversation
    const before = connection.bytesOnWire
    const { compression } = run.node.hop
    const isSlow = compression >= SLOW_LEVEL_MIN
    const job = run.senderJob
    const { stallMs, relayStallMs } = this.#times
    const sender = new Sender(ports, { ...job, ...(isSlow && { compression: 0 }) })
    const progress = (): AttemptProgress => ({
      bytesOnWire: connection.bytesOnWire - before,
      sender: sender.progress,
    })
    connection.expectWithin(job.children.length > 0 ? relayStallMs : stallMs)
    connection.watchHost(true)
    run.followHop((hop) => connection.limit(hop.rateBytesPerS))
    const outcome = await drive({
      conversation,
      sender,
      clock: this.#options.clock,
      aliveMs: this.#times.aliveMs,
      signal: run.signal,
      cancelled: () => run.cancelled,
      pack: isSlow ? (block) => packAside(compression, block) : null,
      onProgress: () => run.progress(progress()),
    })
    run.followHop(null)
    connection.watchHost(false)
    connection.expectWithin(this.#times.idleMs)
    run.finish(progress())
    return { outcome, isUnanswered: !sender.isAnswered }
  }

  async #connect(run: TargetRun): Promise<Conversation> {
    this.close()
    const { serverId } = this.#peer
    this.#hopKey = this.#hopKeyNow
    const conversation = await connectTo({
      serverId,
      addresses: () => this.#options.addressesOf(serverId, run.node.hop.scope),
      dialsOut: this.#options.dialsOut ?? false,
      identity: this.#options.identity(),
      plain: plainEnd(this.#options, this.#peer),
      patienceMs: this.#times.stallMs,
      signal: run.signal,
      clock: this.#options.clock,
      log: this.#options.log,
    })
    this.#conversation = conversation
    return conversation
  }
}
