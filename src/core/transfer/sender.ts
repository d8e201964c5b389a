import { CONTENT_CHUNK_BYTES, SETS_IN_FLIGHT_MAX, SET_ENTRIES_MAX } from '../base/limits.ts'
import { type Result, failure, success } from '../base/result.ts'
import type { DoneMessage, OpenMessage, OpenedMessage } from '../wire/frame-messages.ts'
import type { Frame } from '../wire/frame.ts'
import { type PatchFrame, isPatchFrame } from '../wire/patch-frames.ts'
import { sendSet } from './outgoing-set.ts'
import { PatchMail } from './patch-mail.ts'
import { checkStart, plannedSets } from './planned-sets.ts'
import { BUSY, LATER, type SenderOutcome, type SenderPorts, send } from './sender-ports.ts'
import { type SenderJob, type SenderStep, type Steps, WAITING } from './sender-ports.ts'

/** What one call of `next` gave: a step, or the end of the job. */
export type SenderTurn = SenderStep | { readonly kind: 'ended'; readonly outcome: SenderOutcome }

export interface SenderProgress {
  readonly setsDone: number
  readonly appliedCount: number
  readonly failedCount: number
}

type Accepted = Extract<OpenedMessage, { outcome: 'accepted' }>

/**
 * Sends one job to one target, over a connection on which both sides have said hello. The caller takes steps with `next`
 * while the connection has room, and hands in every frame of the peer with `receive`. Errors of the journal or the
 * signature come out of `next` as they were thrown. `close` must follow in any case.
 */
export class Sender {
  readonly #ports: SenderPorts
  readonly #job: SenderJob
  readonly #steps: Generator<SenderStep, SenderOutcome>
  #opened: OpenedMessage | null = null
  #hasOpened = false
  #setsBegun = 0
  #setsEnded = 0
  #setsDone = 0
  #wantedCount = 0
  /** By the set's number; at most as many as sets begun and not yet done with. */
  readonly #wanted = new Map<number, readonly boolean[]>()
  readonly #mail = new PatchMail()
  #appliedCount = 0
  #failedCount = 0
  #jobEnd: 'none' | 'sent' | 'answered' = 'none'

  constructor(ports: SenderPorts, job: SenderJob) {
    this.#ports = ports
    this.#job = job
    this.#steps = this.#run()
  }

  /** Receipts so far. */
  get progress(): SenderProgress {
    return {
      setsDone: this.#setsDone,
      appliedCount: this.#appliedCount,
      failedCount: this.#failedCount,
    }
  }

  /** True once the target has answered the opening of the job. */
  get isAnswered(): boolean {
    return this.#opened !== null
  }

  next(): SenderTurn {
    const turn = this.#steps.next()
    if (turn.done === true) return { kind: 'ended', outcome: turn.value }
    // Counted when it goes out, because the receipt may be here before the next step is taken.
    if (turn.value.kind === 'frame' && turn.value.frame.type === 'setEnd') this.#setsEnded++
    return turn.value
  }

  /** Takes a frame of the peer; a failure means that the connection is to be closed with its code. */
  receive(frame: Frame): Result<void> {
    if (frame.type === 'error') return { ok: false, error: frame.error }
    if (isPatchFrame(frame)) return this.#takePatch(frame)
    if (!this.#isDue(frame)) return failure('PROTOCOL', `frame "${frame.type}" is not due`)
    if (frame.type === 'opened') this.#opened = frame.opened
    if (frame.type === 'wanted') {
      this.#wanted.set(++this.#wantedCount, frame.wanted)
      this.#mail.answered(this.#wantedCount)
    }
    if (frame.type === 'setDone') this.#count(frame.done)
    if (frame.type === 'jobEnd') this.#jobEnd = 'answered'
    return success(undefined)
  }

  /** Ends the job wherever it is and closes the file that is being read. */
  close(): void {
    this.#steps.return(failure('CANCELLED', 'the job was given up'))
  }

  #takePatch(frame: PatchFrame): Result<void> {
    const isTaken = this.#mail.take(frame, this.#wantedCount < this.#setsBegun)
    return isTaken ? success(undefined) : failure('PROTOCOL', `frame "${frame.type}" is not due`)
  }

  #isDue(frame: Frame): boolean {
    if (frame.type === 'opened') return this.#hasOpened && this.#opened === null
    if (frame.type === 'wanted') return this.#wantedCount < this.#setsBegun
    if (frame.type === 'setDone') return this.#setsDone < this.#setsEnded
    const isAllDone = this.#setsDone === this.#setsEnded
    return frame.type === 'jobEnd' && this.#jobEnd === 'sent' && isAllDone
  }

  #count(done: DoneMessage): void {
    this.#setsDone++
    this.#appliedCount += done.appliedCount
    this.#failedCount += done.failedCount
  }

  *#run(): Generator<SenderStep, SenderOutcome> {
    this.#hasOpened = true
    yield send({ type: 'open', open: openMessageOf(this.#job) })
    while (this.#opened === null) yield WAITING
    const opened: OpenedMessage = this.#opened
    if (opened.outcome === 'refused') return failure(opened.code, opened.message)
    const start = checkStart(this.#ports.source, this.#job, opened)
    const sent = start.ok ? yield* this.#sendSets(opened) : start
    // Receipts are not waited for first: the answer comes behind the last of them.
    this.#jobEnd = 'sent'
    yield send({ type: 'jobEnd' })
    while (this.#isUnanswered()) yield WAITING
    if (!sent.ok) return sent
    return success({ appliedCount: this.#appliedCount, failedCount: this.#failedCount })
  }

  #isUnanswered(): boolean {
    return this.#jobEnd !== 'answered'
  }

  *#sendSets(opened: Accepted): Steps<Result<void>> {
    const { source } = this.#ports
    const buffer = new Uint8Array(CONTENT_CHUNK_BYTES)
    const reading = { tree: () => source.tree, newHasher: () => this.#ports.newHasher(), buffer }
    const kept = new Map(opened.kept?.map((one) => [one.seq, one]))
    const { setEntriesMax: entriesMax = SET_ENTRIES_MAX } = this.#ports
    const order = { to: this.#job.to, entriesMax }
    for (const set of plannedSets(source, opened, order)) {
      if (source.epoch() !== this.#job.epoch)
        return failure('SOURCE_CHANGED', `cannot go on with epoch "${this.#job.epoch}"`)
      if (set === 'reading' || set === 'later') {
        yield set === 'reading' ? BUSY : LATER
        continue
      }
      while (this.#setsEnded - this.#setsDone >= SETS_IN_FLIGHT_MAX) yield WAITING
      const ordinal = ++this.#setsBegun
      const takeWanted = () => this.#takeWanted(ordinal)
      const mail = this.#mail
      const takeBases = () => mail.takeBases(ordinal)
      const context = { ports: this.#ports, job: this.#job, content: opened.content, reading, kept }
      yield* sendSet({ ...context, takeWanted, mail, takeBases }, set)
    }
    return success(undefined)
  }

  /** What a set did not wait for is dropped with the next take. */
  #takeWanted(ordinal: number): readonly boolean[] | null {
    const wanted = this.#wanted.get(ordinal) ?? null
    for (const earlier of this.#wanted.keys()) if (earlier <= ordinal) this.#wanted.delete(earlier)
    return wanted
  }
}

function openMessageOf(job: SenderJob): OpenMessage {
  const { jobId, ticket, bindingId, sourceId, epoch, to, hopCompression: compression } = job
  const children = [...job.children]
  return { jobId, ticket, bindingId, sourceId, epoch, to, compression, children }
}
