import { toAppError } from '../../../core/base/errors.ts'
import type { Failure } from '../../../core/base/result.ts'
import { RelayChild } from '../../../core/transfer/relay-child.ts'
import type { RelayedFrame } from '../../../core/transfer/relay.ts'
import type { JobNode } from '../../../core/wire/control.ts'
import type { OpenMessage } from '../../../core/wire/frame-messages.ts'
import type { Block, Frame } from '../../../core/wire/frame.ts'
import { blockCodec, packAside } from '../../../platform/block-codec.ts'
import { SLOW_LEVEL_MIN } from '../../../platform/compression.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'
import { connectTo } from '../../sync-client/connect.ts'
import { type CutOff, droppedReports } from '../../sync-client/dropped-reports.ts'
import { plainEnd } from '../../sync-client/plain-end.ts'
import { ChildPatience } from './child-patience.ts'
import { childReport } from './child-report.ts'
import { type Doubt, isInDoubt, isSettled } from './doubt.ts'
import type { RelayOptions } from './options.ts'

export interface ChildOrder {
  readonly node: JobNode
  /** The stream as the parent opened it. */
  readonly open: OpenMessage
  /** Bytes that may wait for this child before it holds the stream up. */
  readonly queueBytesMax: number
  /** Something came of the child, or it takes more. */
  readonly changed: () => void
  /** For how long the parent's host has said nothing; null where nobody can tell. */
  readonly unheardMs: () => number | null
}

/** The way of one stream to one child: connects, passes on what comes, tells the master how it goes. */
export class ChildLink {
  readonly child: RelayChild
  readonly #options: RelayOptions
  readonly #order: ChildOrder
  readonly #ending = new AbortController()
  readonly #patience: ChildPatience
  #connection: DataConnection | null = null
  /** The level of blocks that are packed on another thread; null where none are. */
  readonly #slowLevel: number | null
  #isPacking = false
  #isWaitingForRoom = false
  #isGone = false
  #hasAll = false
  #bytesReceived = 0
  /** What had crossed the connection before this stream. */
  #bytesBefore = 0
  /** The connection was kept, and may have died unnoticed: until something comes by it, its silence says nothing. */
  #isDoubtful = false
  /** Since it was lost in a way that may be this server's own. */
  #doubt: Doubt | null = null
  #rateBytesPerS: number | null
  #reportedAtMs: number
  #sentAtMs: number

  constructor(options: RelayOptions, order: ChildOrder) {
    const nowMs = options.clock.nowMs()
    this.#options = options
    this.#order = order
    this.#patience = new ChildPatience(options.times, { height: heightOf(order.node), nowMs })
    this.#reportedAtMs = nowMs
    this.#sentAtMs = nowMs
    const { open, node } = order
    this.#rateBytesPerS = node.hop.rateBytesPerS
    const level = node.hop.compression
    const isAlike = open.compression === level
    this.#slowLevel = level >= SLOW_LEVEL_MIN && !isAlike ? level : null
    const ownLevel = this.#slowLevel === null ? level : 0
    const repacked = (block: Block) => blockCodec.compress(ownLevel, blockCodec.decompress(block))
    this.child = new RelayChild(open, isAlike ? (block) => block : repacked)
    this.#report('running')
    // Not at once: whoever makes this link must have it before it can be dropped.
    queueMicrotask(() => void this.#begin())
  }

  get serverId(): string {
    return this.#order.node.serverId
  }

  get bindingId(): string {
    return this.#order.node.bindingId
  }

  /** The rate of the hop is another from now on; anything else in its options stays until the next job. */
  changeHop({ rateBytesPerS }: JobNode['hop']): void {
    this.#rateBytesPerS = rateBytesPerS
    this.#connection?.limit(rateBytesPerS)
  }

  /** True once the child has ended or been dropped. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** True once it was given everything that the parent has to send. */
  get hasAll(): boolean {
    return this.#hasAll
  }

  /** True while more waits for the child than may. */
  get isFull(): boolean {
    return !this.#isGone && this.child.queuedBytes > this.#order.queueBytesMax
  }

  /** True while so little waits that more may come. */
  get hasRoom(): boolean {
    return this.#isGone || this.child.queuedBytes < this.#order.queueBytesMax / 2
  }

  /** Takes a frame of the parent and sends at once what can be sent; its bytes must not change before `settle`. */
  offer(passed: RelayedFrame): void {
    if (this.#isGone) return
    this.child.offer(passed)
    if (passed.frame.type === 'jobEnd') this.#hasAll = true
    this.#pump()
  }

  /** Writes out what was sent, because this process may be busy for a while; what waits has bytes of its own after it. */
  settle(): void {
    this.#connection?.settle()
    this.child.keep()
  }

  /** Looks after the child: whether the stream is held up by it, and whether the parent's job has left it behind. */
  look({ isHeld, isLeft }: { readonly isHeld: boolean; readonly isLeft: boolean }): void {
    if (this.#isGone) return
    const { clock, times } = this.#options
    const nowMs = clock.nowMs()
    if (this.#doubt !== null) return this.#settleDoubt(this.#doubt, nowMs)
    this.#listen()
    if (this.#isDoubtful && Math.abs(nowMs - this.#sentAtMs) > times.answerMs / 2)
      return this.#renew()
    const { state, owesWanted } = this.child
    const owesAnswer = state === 'opening' || (owesWanted && !isLeft)
    const owes = owesAnswer ? 'answer' : this.#hasAll ? 'end' : 'nothing'
    const tooSlow = this.#patience.judge({ nowMs, owes, isHeld })
    if (tooSlow !== null) return this.drop({ code: 'RELAY_DROPPED', message: tooSlow })
    if (Math.abs(nowMs - this.#sentAtMs) > times.aliveMs) this.#send({ type: 'alive' })
    if (Math.abs(nowMs - this.#reportedAtMs) >= times.reportMs) this.#report('running')
  }

  /** Takes the child out of the stream; the master has it served otherwise. */
  drop(reason: Failure): void {
    this.#cutOff(reason.code === 'RELAY_UNFIT' ? 'RELAY_UNFIT' : 'RELAY_DROPPED', reason)
  }

  /** The stream ends before its time, through no fault of the child. */
  lose(reason: Failure): void {
    this.#cutOff('RELAY_LOST', reason)
  }

  #cutOff(cause: CutOff['code'], reason: Failure): void {
    if (this.#isGone) return
    this.#end()
    this.#connection?.close(reason)
    const { node, open } = this.#order
    const { serverId, log, report } = this.#options
    const { code, message } = reason
    log.warn('a child was dropped', { childId: node.serverId, jobId: open.jobId, code, message })
    const why = `server "${serverId}" passes nothing on to "${node.serverId}": ${code}, ${message}`
    const cutOff = { code: cause, message: why }
    for (const each of droppedReports(this.#subject, [node], cutOff)) report(each)
    this.#order.changed()
  }

  /** Signs of life count too, which do not come as frames. */
  #listen(): void {
    const bytesReceived = this.#connection?.bytesReceived ?? 0
    if (bytesReceived === this.#bytesReceived) return
    this.#bytesReceived = bytesReceived
    this.#isDoubtful = false
    this.#patience.moved()
  }

  async #begin(): Promise<void> {
    const kept = this.#isGone ? null : this.#options.connections.take(this.#order.node)
    if (kept === null) return this.#connect()
    this.#isDoubtful = true
    this.#open(kept)
  }

  async #connect(): Promise<void> {
    const { node } = this.#order
    const { clock, identity, log, times } = this.#options
    try {
      const conversation = await connectTo({
        serverId: node.serverId,
        addresses: () => this.#options.addressesOf(node.serverId, node.hop.scope),
        identity,
        plain: plainEnd(this.#options, { ...node, isPlain: !node.hop.tls }),
        patienceMs: times.answerMs,
        signal: this.#ending.signal,
        clock,
        log,
      })
      if (this.#isGone) return conversation.close(null)
      if (conversation.failure !== null) return this.drop(conversation.failure)
      this.#open(conversation.connection)
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      this.drop({ code, message })
    }
  }

  #open(connection: DataConnection): void {
    this.#connection = connection
    this.#bytesReceived = connection.bytesReceived
    this.#bytesBefore = connection.bytesOnWire
    connection.handle({
      frame: (frame) => this.#take(frame),
      closed: (reason) => this.#closed(connection, reason ?? CLOSED),
    })
    connection.expectWithin(null)
    connection.watchHost(true)
    connection.limit(this.#rateBytesPerS)
    const { node, open } = this.#order
    const { bindingId, ticket, children, hop } = node
    const { compression } = hop
    const below = { children: [...children], isPassedOn: true }
    this.#send({ type: 'open', open: { ...open, bindingId, ticket, compression, ...below } })
  }

  #closed(connection: DataConnection, reason: Failure): void {
    if (connection !== this.#connection) return
    this.#listen()
    if (this.#isDoubtful && !this.#isGone) return this.#renew()
    if (this.#isGone || !isInDoubt(reason, this.#order.unheardMs())) return this.drop(reason)
    this.#connection = null
    this.#doubt = { reason, sinceMs: this.#options.clock.nowMs() }
  }

  /** The parent's own word on this server comes first, or else the child is dropped. */
  #settleDoubt(doubt: Doubt, nowMs: number): void {
    if (isSettled(doubt, { nowMs, unheardMs: this.#order.unheardMs() })) this.drop(doubt.reason)
  }

  /** Goes by a new connection instead of one that was kept. */
  #renew(): void {
    const connection = this.#connection
    this.#connection = null
    this.#isDoubtful = false
    this.#patience.moved()
    connection?.close()
    void this.#connect()
  }

  #take(frame: Frame): void {
    if (this.#isGone) return
    if (this.#isDoubtful && frame.type === 'error') return this.#renew()
    this.#isDoubtful = false
    const taken = this.child.receive(frame)
    if (!taken.ok) return this.drop(taken.error)
    if (this.child.state === 'over') return this.#done()
    this.#pump()
    this.#order.changed()
  }

  #pump(): void {
    const connection = this.#connection
    while (connection !== null && connection.hasRoom && !this.#isGone) {
      if (this.#isPacking) return
      const frame = this.child.next()
      if (!frame.ok) return this.drop(frame.error)
      if (frame.value === null) return
      if (this.#slowLevel !== null && 'block' in frame.value)
        return void this.#pack(this.#slowLevel, frame.value)
      this.#send(frame.value)
    }
    if (connection === null || this.#isWaitingForRoom || this.#isGone) return
    this.#isWaitingForRoom = true
    void connection.room().then(() => {
      this.#isWaitingForRoom = false
      this.#pump()
      this.#order.changed()
    })
  }

  /** Packs one block while others have their turn; what comes behind it waits. */
  async #pack(level: number, frame: Extract<Frame, { block: Block }>): Promise<void> {
    this.#isPacking = true
    const own = { ...frame.block, bytes: frame.block.bytes.slice() }
    const block = await packAside(level, own)
    this.#isPacking = false
    if (this.#isGone) return
    this.#send({ ...frame, block })
    this.#pump()
    this.#order.changed()
  }

  #send(frame: Frame): void {
    this.#sentAtMs = this.#options.clock.nowMs()
    if (frame.type !== 'alive') this.#patience.moved()
    this.#connection?.send(frame)
  }

  #done(): void {
    this.#end()
    this.#report('done')
    const connection = this.#connection
    // From now on it is another stream's.
    this.#connection = null
    if (connection !== null) this.#options.connections.keep(this.#order.node, connection)
    this.#order.changed()
  }

  #end(): void {
    this.#isGone = true
    this.#ending.abort()
    this.child.close()
  }

  get #subject() {
    return { jobId: this.#order.open.jobId, via: this.#options.serverId }
  }

  #report(state: 'running' | 'done'): void {
    const { clock, report } = this.#options
    this.#reportedAtMs = clock.nowMs()
    const { progress } = this.child
    // Between two connections nothing has gone by either.
    const connection = this.#connection
    const bytesOnWire = connection === null ? 0 : connection.bytesOnWire - this.#bytesBefore
    report(childReport(this.#subject, this.#order.node, { state, progress, bytesOnWire }))
  }
}

const CLOSED: Failure = { code: 'PEER_UNREACHABLE', message: 'the connection was closed' }

/** How many hops are below a node. */
function heightOf(node: JobNode): number {
  return node.children.reduce((height, child) => Math.max(height, heightOf(child) + 1), 0)
}
