import type { SetOutcome } from '../apply/inbound.ts'
import { assert } from '../base/assert.ts'
import type { Result } from '../base/result.ts'
import type { Working } from '../base/working.ts'
import type { Position } from '../change/entry.ts'
import type { Frame, SetBegin, SetEnd } from '../wire/frame.ts'
import { IncomingSet, type IncomingStream, type ReceiverPorts } from './incoming-set.ts'
import { demand, guarded } from './violation.ts'

/** What a frame led to: `replies` are to be sent, in order; `outcome` is that of a set which is now durable. */
export interface ReceiverStep {
  readonly replies: readonly Frame[]
  readonly outcome: SetOutcome | null
  readonly ended: boolean
}

const NOTHING: ReceiverStep = { replies: [], outcome: null, ended: false }

/**
 * Receives one accepted job for one binding. Every frame after `opened` goes through `receive`; where that leaves it
 * working, `advance` is to be called until it is not, before the next frame. A failure of either means that the
 * connection is to be closed with its code. Errors of the binding come out as they were thrown. After either, and when
 * the connection is lost, `discard` must follow.
 */
export class Receiver {
  readonly #ports: ReceiverPorts
  readonly #stream: IncomingStream
  /** Where the next incremental set must begin; null while a full list is due. */
  #watermark: Position | null
  /** Where the next set of a full list must begin; null before its first. */
  #listedTo: number | null = null
  #set: IncomingSet | null = null
  /** What the last frame began. */
  #work: Working<ReceiverStep> | null = null

  constructor(ports: ReceiverPorts, stream: IncomingStream, watermark: Position | null) {
    this.#ports = ports
    this.#stream = stream
    this.#watermark = watermark?.epoch === stream.epoch ? watermark : null
  }

  /** True while what the last frame began is not done. */
  get isWorking(): boolean {
    return this.#work !== null
  }

  /** Takes a frame. Where it begins something longer, nothing comes of it yet. */
  receive(frame: Frame): Result<ReceiverStep> {
    assert(!this.isWorking, 'a frame waits until what was begun is done')
    return guarded(() => this.#take(frame))
  }

  /** Goes on with what was begun; gives what it led to, null while it is not done. */
  advance(): Result<ReceiverStep | null> {
    return guarded(() => {
      const turn = this.#work?.next()
      if (turn === undefined || turn.done !== true) return null
      this.#work = null
      return turn.value
    })
  }

  /** Drops a set that is not whole; one that is being applied is ended as after a crash. */
  discard(): void {
    this.#work?.return(NOTHING)
    this.#work = null
    this.#set?.discard()
    this.#set = null
  }

  #take(frame: Frame): ReceiverStep {
    if (frame.type === 'setBegin') return this.#beginSet(frame.begin)
    if (frame.type === 'jobEnd') {
      demand(this.#set === null, 'the end of the job within a set')
      return { replies: [{ type: 'jobEnd' }], outcome: null, ended: true }
    }
    const set = this.#set
    demand(set !== null, `frame "${frame.type}" outside a set`)
    if (frame.type === 'signatureWanted')
      return { ...NOTHING, replies: [{ type: 'signature', blocks: set.sign(frame.request) }] }
    if (frame.type === 'patchEnd')
      return { ...NOTHING, replies: [{ type: 'patchDone', ...set.endPatch(frame.hash) }] }
    if (frame.type === 'entries') {
      set.takeEntries(frame.block)
      return this.#startIfWhole(set)
    }
    if (frame.type === 'setEnd') return this.#begin(this.#endSet(set, frame.end))
    if (frame.type === 'pack') set.takePack(frame.block)
    else if (frame.type === 'fileBegin') set.beginFile(frame.index)
    else if (frame.type === 'fileRest') set.beginFile(frame.index, frame.keptBytes)
    else if (frame.type === 'fileData') set.takeData(frame.block)
    else if (frame.type === 'fileEnd') set.endFile(frame.whole)
    else if (frame.type === 'patchBegin') set.beginPatch(frame.index)
    else if (frame.type === 'fileCopy') set.takeCopy(frame.from, frame.length)
    else demand(false, `a sender must not send frame "${frame.type}"`)
    return NOTHING
  }

  #beginSet(begin: SetBegin): ReceiverStep {
    demand(this.#set === null, 'a set within a set')
    const { from, to, kind, last } = begin
    if (kind === 'full') demand(from === (this.#listedTo ?? 0), `a list that goes on from ${from}`)
    else demand(from === this.#watermark?.seq && last, `a set from ${from}`)
    demand(kind !== 'full' || this.#watermark === null, 'a full list of an epoch that is known')
    demand(kind !== 'retry' || to === from, 'a retry that moves on')
    this.#listedTo = kind === 'full' && !last ? to : null
    this.#set = new IncomingSet(this.#ports, this.#stream, begin)
    return this.#startIfWhole(this.#set)
  }

  #startIfWhole(set: IncomingSet): ReceiverStep {
    return set.lacksEntries ? NOTHING : this.#begin(start(set))
  }

  #begin(work: Working<ReceiverStep>): ReceiverStep {
    this.#work = work
    return NOTHING
  }

  *#endSet(set: IncomingSet, end: SetEnd): Working<ReceiverStep> {
    const outcome = yield* set.end(end)
    this.#set = null
    const { watermark, pending } = outcome.position
    if (watermark?.epoch === this.#stream.epoch) this.#watermark = watermark
    const done = {
      watermark,
      pendingCount: pending.length,
      appliedCount: outcome.appliedCount,
      failedCount: outcome.failed.length,
    }
    return { replies: [{ type: 'setDone', done }], outcome, ended: false }
  }
}

function* start(set: IncomingSet): Working<ReceiverStep> {
  const wanted: Frame = { type: 'wanted', wanted: yield* set.start() }
  const { bases } = set
  return { ...NOTHING, replies: bases.length === 0 ? [wanted] : [{ type: 'bases', bases }, wanted] }
}
