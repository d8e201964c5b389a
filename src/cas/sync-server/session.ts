import type { KeptContent, OwnContent, TargetPosition } from '../../core/apply/inbound.ts'
import { commonKept } from '../../core/apply/kept-marks.ts'
import { AppError, toAppError } from '../../core/base/errors.ts'
import { SET_ENTRIES_MAX } from '../../core/base/limits.ts'
import { type Failure, type Result, failure } from '../../core/base/result.ts'
import type { Position } from '../../core/change/entry.ts'
import { Receiver, type ReceiverStep } from '../../core/transfer/receiver.ts'
import type { TargetConfig } from '../../core/wire/control.ts'
import type { OpenMessage } from '../../core/wire/frame-messages.ts'
import { DATA_PROTOCOL, type Frame } from '../../core/wire/frame.ts'
import type { TicketClaims } from '../../core/wire/ticket.ts'
import { blockCodec } from '../../platform/block-codec.ts'
import { blockHashes } from '../../platform/block-hashes.ts'
import type { DataConnection } from '../../platform/data-connection.ts'
import { createHasher } from '../../platform/hash.ts'
import type { Logger } from '../../platform/log.ts'
import { createVerifier } from '../../platform/set-signature.ts'
import { VERSION } from '../../platform/version.ts'
import type { BindingHolder, Bindings, OpenTarget } from './bindings.ts'
import { Intake, type IntakeHost } from './intake.ts'
import type { ParentSide, RelayStream } from './relay/relay-stream.ts'
import type { Registrations } from './tunnel/registrations.ts'

export interface SessionTimes {
  /** How long a connection may take to say hello. */
  readonly greetingMs: number
  /** How long it may lie between two jobs. */
  readonly idleMs: number
  /** How long nothing may move in a job. */
  readonly stallMs: number
}

export const SESSION_TIMES: SessionTimes = {
  greetingMs: 10_000,
  idleMs: 900_000,
  stallMs: 90_000,
}

/** What a session asks of its server. */
export interface SessionHost {
  readonly bindings: Bindings
  readonly registrations: Registrations
  readonly log: Logger
  readonly times: SessionTimes
  /** Whether a peer may open this stream now: ticket and lease. */
  admit(peerId: string, open: OpenMessage, target: TargetConfig): Promise<Result<TicketClaims>>
  /** LEASE_EXPIRED where this agent may not synchronize at the moment. */
  leaseFailure(): Failure | null
  /** A target stands here: a job into it begins, or a set of it is durable. */
  stands(target: TargetConfig, position: TargetPosition, since: 'opened' | 'applied'): void
  /** Another binding of the same root stands elsewhere by a set of this one. */
  moved(bindingId: string): void
  /** Begins to pass a stream on to its children. */
  relay(open: OpenMessage, parent: ParentSide): RelayStream
  /** The connection is gone. */
  ended(): void
  /** A target could not be opened or written. */
  failed(target: TargetConfig, failure: Failure): void
}

/** A sign of life at the latest so often, while the sender waits for the job to be opened. */
const ALIVE_MS = 1000

interface Opened {
  readonly opened: OpenTarget
  readonly kept: readonly KeptContent[]
  readonly listed: Position | null
}

interface Job {
  readonly target: TargetConfig
  readonly receiver: Receiver
  readonly intake: Intake
}

const PARENT_LEFT: Failure = { code: 'PEER_UNREACHABLE', message: 'the sender left' }

/** One connection of a sender: hello, then one job after another. */
export class Session implements BindingHolder {
  readonly peerId: string
  readonly #connection: DataConnection
  readonly #host: SessionHost
  #state: 'greeting' | 'idle' | 'opening' | 'receiving' | 'relaying' | 'closed' = 'greeting'
  #job: Job | null = null
  #runAtMs = 0
  /** Whose sets the stream that is opened carries. */
  #signerKey = ''
  /** Null where the job has no children. */
  #relay: RelayStream | null = null
  readonly #pausedBy = new Set<'intake' | 'relay'>()

  constructor(connection: DataConnection, host: SessionHost) {
    this.peerId = connection.peerId
    this.#connection = connection
    this.#host = host
    connection.handle({
      frame: (frame) => this.#take(frame),
      closed: (reason) => this.#closed(reason),
    })
    connection.expectWithin(host.times.greetingMs)
  }

  /** True between two jobs. */
  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  get runAtMs(): number {
    return this.#runAtMs
  }

  abort(reason: Failure): void {
    this.#state = 'closed'
    this.#endJob()
    this.#leaveRelay(reason)
    this.#connection.close(reason)
  }

  #take(frame: Frame): void {
    switch (this.#state) {
      case 'greeting':
        return this.#greet(frame)
      case 'idle':
        if (frame.type === 'await' || frame.type === 'tunnel') return this.#handOver(frame)
        if (frame.type !== 'open') return this.#refuse(frame)
        this.#state = 'opening'
        void this.#open(frame.open)
        return
      case 'receiving':
        return this.#receive(frame)
      case 'opening':
      case 'relaying':
      case 'closed':
        return this.#refuse(frame)
    }
  }

  /** The connection is none of a sender's, and another's from now on. */
  #handOver(frame: Extract<Frame, { type: 'await' | 'tunnel' }>): void {
    this.#state = 'closed'
    this.#host.ended()
    if (frame.type === 'await') this.#host.registrations.register(this.#connection)
    else this.#host.registrations.pair(this.#connection, frame.token)
  }

  #refuse(frame: Frame): void {
    if (frame.type === 'error') return this.#connection.close()
    this.abort({ code: 'PROTOCOL', message: `frame "${frame.type}" is not due` })
  }

  #greet(frame: Frame): void {
    if (frame.type !== 'hello') return this.#refuse(frame)
    this.#connection.send({
      type: 'hello',
      hello: { protocol: DATA_PROTOCOL, agentVersion: VERSION },
    })
    if (frame.hello.protocol !== DATA_PROTOCOL) {
      const message = `cannot speak protocol ${frame.hello.protocol}: this agent speaks ${DATA_PROTOCOL}`
      return this.abort({ code: 'INCOMPATIBLE', message })
    }
    this.#becomeIdle()
  }

  #becomeIdle(): void {
    this.#state = 'idle'
    this.#connection.expectWithin(this.#host.times.idleMs)
  }

  async #open(open: OpenMessage): Promise<void> {
    const refusal = await this.#tryOpen(open).catch((thrown: unknown) => toAppError(thrown))
    if (refusal === null || this.#state !== 'opening') return
    const { code, message } = refusal
    this.#leaveRelay({ code, message })
    this.#host.log.warn('job refused', { peerId: this.peerId, jobId: open.jobId, code, message })
    this.#connection.send({ type: 'opened', opened: { outcome: 'refused', code, message } })
    this.#becomeIdle()
  }

  async #tryOpen(open: OpenMessage): Promise<Failure | null> {
    const { bindings } = this.#host
    const target = bindings.target(open.bindingId)
    if (target === null)
      return { code: 'BINDING_UNKNOWN', message: `binding "${open.bindingId}" is not known here` }
    const admitted = await this.#host.admit(this.peerId, open, target)
    if (!admitted.ok) return admitted.error
    if (this.#state !== 'opening' || bindings.target(open.bindingId) !== target)
      return { code: 'BINDING_UNKNOWN', message: `binding "${open.bindingId}" has changed` }
    this.#runAtMs = admitted.value.runAtMs
    this.#signerKey = admitted.value.signerKey ?? target.sourceKey
    const acquired = this.#acquire(target)
    if (!acquired.ok) return acquired.error
    if (open.children.length > 0) this.#relay = this.#host.relay(open, this.#parentSide)
    const offer = await this.#offer(acquired.value, open).catch((thrown: unknown) => {
      bindings.release(target.bindingId, this)
      throw thrown
    })
    if (this.#state === 'opening') this.#start(open, target, { opened: acquired.value, ...offer })
    else bindings.release(target.bindingId, this)
    return null
  }

  async #offer(opened: OpenTarget, open: OpenMessage): Promise<Omit<Opened, 'opened'>> {
    const kept = await this.#kept(opened, open)
    const { listed } = opened.binding.position()
    const own = listed?.epoch === open.epoch ? listed : null
    return { kept, listed: this.#relay === null ? own : await this.#relay.listed(own) }
  }

  /** What may be gone on with: where the stream is passed on, what everyone who gets it has. */
  async #kept(opened: OpenTarget, open: OpenMessage): Promise<readonly KeptContent[]> {
    const own = await this.#ownKept(opened, open.epoch)
    if (open.isPassedOn !== true && this.#relay === null) return own
    const below = own.length === 0 ? [] : ((await this.#relay?.kept()) ?? [])
    return commonKept(own, below)
  }

  /** What is here of files that were broken off. Hashing it may take long, so others have their turns. */
  async #ownKept(opened: OpenTarget, epoch: string): Promise<OwnContent[]> {
    const steps = opened.binding.kept(epoch)
    let toldAtMs = performance.now()
    for (let turn = steps.next(); ; turn = steps.next()) {
      if (turn.done === true) return turn.value
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#state !== 'opening') return steps.return([]).value ?? []
      if (performance.now() - toldAtMs < ALIVE_MS) continue
      this.#connection.send({ type: 'alive' })
      toldAtMs = performance.now()
    }
  }

  #acquire(target: TargetConfig): Result<OpenTarget> {
    try {
      return this.#host.bindings.acquire(target.bindingId, this)
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      this.#host.failed(target, { code, message })
      return failure(code, message)
    }
  }

  #start(open: OpenMessage, target: TargetConfig, { opened, kept, listed }: Opened): void {
    const position = opened.binding.position()
    const { watermark, pending } = position
    this.#host.stands(target, position, 'opened')
    const verify = createVerifier(this.#signerKey)
    const ports = {
      binding: opened.binding,
      codec: blockCodec,
      newHasher: createHasher,
      blockHashes,
      verify,
    }
    const receiver = new Receiver(ports, open, watermark)
    const intake = new Intake(receiver, this.#intakeHost(target))
    this.#job = { target, receiver, intake }
    this.#state = 'receiving'
    this.#connection.expectWithin(this.#host.times.stallMs)
    const isKnown = watermark?.epoch === open.epoch || (watermark === null && opened.isEmpty())
    const known = new Set(pending.map((entry) => entry.seq))
    const seqs = [...known].sort((left, right) => left - right)
    this.#connection.send({
      type: 'opened',
      opened: {
        outcome: 'accepted',
        watermark,
        listed,
        pending: seqs.slice(0, SET_ENTRIES_MAX),
        content: isKnown ? 'push' : 'ask',
        ...(kept.length > 0 && { kept: [...kept] }),
      },
    })
  }

  #receive(frame: Frame): void {
    const job = this.#job
    if (job === null || frame.type === 'error') return this.#refuse(frame)
    const lease = frame.type === 'setBegin' ? this.#host.leaseFailure() : null
    if (lease !== null) return this.abort(lease)
    this.#relay?.offer(frame)
    job.intake.take(frame)
  }

  #intakeHost(target: TargetConfig): IntakeHost {
    return {
      guard: (step) => this.#guard(target, step),
      taken: (step) => this.#taken(target, step),
      hold: (isHeld) => this.#pause('intake', isHeld),
      alive: () => this.#connection.send({ type: 'alive' }),
    }
  }

  #taken(target: TargetConfig, { replies, outcome, ended }: ReceiverStep): void {
    if (outcome !== null) {
      this.#host.stands(target, outcome.position, 'applied')
      for (const bindingId of outcome.others) this.#host.moved(bindingId)
    }
    if (ended) {
      this.#endJob()
      this.#state = 'relaying'
    }
    this.#reply(this.#relay === null ? replies : this.#relay.replies(replies))
  }

  /** Answers; with the end of the job the next one may come, while what is passed on goes on by itself. */
  #reply(replies: readonly Frame[]): void {
    if (this.#state === 'closed') return
    for (const reply of replies) {
      this.#connection.send(reply)
      if (reply.type !== 'jobEnd') continue
      this.#relay = null
      this.#becomeIdle()
    }
  }

  get #parentSide(): ParentSide {
    return {
      reply: (frames) => this.#reply(frames),
      pause: (isPaused) => this.#pause('relay', isPaused),
      unheardMs: () => this.#connection.unheardMs,
    }
  }

  /** The sender's frames wait while anybody here has no room for them. */
  #pause(who: 'intake' | 'relay', isPaused: boolean): void {
    if (isPaused) this.#pausedBy.add(who)
    else this.#pausedBy.delete(who)
    this.#connection.pause(this.#pausedBy.size > 0)
  }

  #leaveRelay(reason: Failure): void {
    const relay = this.#relay
    this.#relay = null
    relay?.parentGone(reason)
  }

  /** Does a step of the receiver; where that fails the session is over. */
  #guard<T>(target: TargetConfig, step: () => Result<T>): T | null {
    const result = this.#attempt(target, step)
    if (result.ok) return result.value
    this.abort(result.error)
    return null
  }

  #attempt<T>(target: TargetConfig, step: () => Result<T>): Result<T> {
    try {
      return step()
    } catch (thrown) {
      // The disk or the index of this target: everything is opened anew with the next job.
      if (!(thrown instanceof AppError)) this.#host.log.error('a set broke', { error: thrown })
      const { code, message } = toAppError(thrown)
      this.#endJob()
      this.#host.bindings.drop(target.bindingId)
      this.#host.failed(target, { code, message })
      return failure(code, message)
    }
  }

  /** A set that came whole is applied, though its sender is gone. */
  async #finishJob(): Promise<void> {
    const job = this.#job
    await job?.intake.end()
    if (this.#job === job) this.#endJob()
  }

  #endJob(): void {
    const job = this.#job
    if (job === null) return
    this.#job = null
    this.#host.bindings.release(job.target.bindingId, this)
    job.intake.close()
    job.receiver.discard()
  }

  #closed(reason: Failure | null): void {
    const during = this.#job?.target.bindingId ?? null
    this.#state = 'closed'
    this.#leaveRelay(reason ?? PARENT_LEFT)
    void this.#finishJob()
    this.#host.ended()
    const fields = { peerId: this.peerId, bindingId: during, reason: reason?.message ?? null }
    if (during === null) this.#host.log.debug('sender left', fields)
    else this.#host.log.warn('sender lost in a job', fields)
  }
}
