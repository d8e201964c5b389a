import type { KeptContent } from '../apply/inbound.ts'
import type { Result } from '../base/result.ts'
import type { Position } from '../change/entry.ts'
import type { OpenedMessage } from '../wire/frame-messages.ts'
import type { Block, Frame, SetBegin } from '../wire/frame.ts'
import type { Base } from '../wire/patch-frames.ts'
import { RelayQueue } from './relay-queue.ts'
import type { WantedTurn } from './relay-wanted.ts'
import type { RelayedFrame } from './relay.ts'
import type { SenderProgress } from './sender.ts'
import { demand, guarded, refuse } from './violation.ts'

/** The stream that a child is part of. */
export interface RelayedStream {
  readonly epoch: string
  /** Where everyone is to be at the end. */
  readonly to: number
}

/** What follows the beginning of a file. */
const CONTENT_PARTS: ReadonlySet<Frame['type']> = new Set<Frame['type']>([
  'fileData',
  'fileEnd',
  'fileCopy',
  'patchEnd',
])

/** How far a child has come with a stream. */
export type ChildState = 'opening' | 'streaming' | 'ending' | 'over'

/** The set that goes to the child at the moment. */
interface CurrentSet {
  readonly begin: SetBegin
  /** Not for this child: it has it already, or it is the parent's own retry. */
  readonly isPassed: boolean
  /** What the child said it lacks; null until it did. */
  wanted: readonly boolean[] | null
  turn: WantedTurn | null
}

/**
 * Passes a stream on to one child as it comes. `offer` takes the parent's frames, `next` gives those that are to be sent
 * now, `receive` takes the child's. A failure of `next` or `receive` drops the child from the stream; nobody else notices.
 */
export class RelayChild {
  readonly #stream: RelayedStream
  /** Gives a block as this hop compresses it. */
  readonly #packed: (block: Block) => Block
  readonly #queue = new RelayQueue()
  /** Sets that were sent and whose `wanted` has not come, oldest first. */
  readonly #asked: CurrentSet[] = []
  #state: ChildState = 'opening'
  /** Up to where the child has, or was sent, everything; null while a full list is due. */
  #at: number | null = null
  /** Up to where the full list that is under way was sent. */
  #listedTo = 0
  #set: CurrentSet | null = null
  #kept: readonly KeptContent[] = []
  /** Where the source was when a list of the child began that has not ended; null where none is open. */
  #listed: number | null = null
  /** From where on the stream's list names what is gone, as far as was asked for; null where nobody asked. */
  #toldFrom: number | null = null
  /** A file that the child does not lack is on its way. */
  #isFilePassed = false
  /** Older versions that it holds, for the set that it answers next. */
  #offered: readonly Base[] | null = null
  /** Of changes that were sent and not answered: whether the parent gave them up. */
  readonly #patches: boolean[] = []
  #setsEnded = 0
  #setsDone = 0
  #appliedCount = 0
  #failedCount = 0

  constructor(stream: RelayedStream, packed: (block: Block) => Block) {
    this.#stream = stream
    this.#packed = packed
  }

  get state(): ChildState {
    return this.#state
  }

  /** What it and everyone below it have of contents that were broken off, once it has opened the stream. */
  get kept(): readonly KeptContent[] {
    return this.#kept
  }

  /** See `TargetPosition.listed`; null for another epoch as well. */
  get listed(): number | null {
    return this.#listed
  }

  /** Takes from where on the stream's list will name what is gone. */
  set toldFrom(seq: number) {
    this.#toldFrom = seq
  }

  /** Bytes that wait for this child. */
  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** True while the child owes an answer on which the parent's content depends. */
  get owesWanted(): boolean {
    return this.#asked.length > 0
  }

  /** Receipts so far. */
  get progress(): SenderProgress {
    return {
      setsDone: this.#setsDone,
      appliedCount: this.#appliedCount,
      failedCount: this.#failedCount,
    }
  }

  /** Takes a frame of the parent, in order; its bytes must not change before `keep`. */
  offer(frame: RelayedFrame): void {
    this.#queue.push(frame)
  }

  /** Makes the last frame's bytes its own, if it still waits. */
  keep(): void {
    this.#queue.keep()
  }

  /** Gives the next frame to send, null where there is none now. */
  next(): Result<Frame | null> {
    return guarded(() => {
      while (this.#state === 'streaming') {
        const item = this.#queue.shift()
        if (item === null) return null
        const frame = this.#passed(item)
        if (frame !== null) return frame
      }
      return null
    })
  }

  /** Takes a frame of the child. */
  receive(frame: Frame): Result<void> {
    if (frame.type === 'error') return { ok: false, error: frame.error }
    return guarded(() => this.#take(frame))
  }

  /** Drops what is queued. */
  close(): void {
    this.#state = 'over'
    this.#queue.clear()
  }

  #take(frame: Frame): void {
    if (frame.type === 'opened') {
      demand(this.#state === 'opening', 'a second answer to the opening')
      return this.#open(frame.opened)
    }
    if (frame.type === 'wanted') {
      const set = this.#asked.shift()
      demand(set !== undefined, 'frame "wanted" is not due')
      set.wanted = frame.wanted
      set.turn?.take(this, frame.wanted, this.#offered ?? [])
      this.#offered = null
      return
    }
    if (frame.type === 'setDone') {
      demand(this.#setsDone < this.#setsEnded, 'frame "setDone" is not due')
      this.#setsDone++
      this.#appliedCount += frame.done.appliedCount
      this.#failedCount += frame.done.failedCount
      return
    }
    if (frame.type === 'bases') {
      demand(this.#asked.length > 0 && this.#offered === null, 'frame "bases" is not due')
      this.#offered = frame.bases
      return
    }
    if (frame.type === 'patchDone') return this.#takePatchDone(frame.isRebuilt)
    demand(frame.type === 'jobEnd' && this.#state === 'ending', `"${frame.type}" is not due`)
    demand(this.#setsDone === this.#setsEnded, 'an end before all receipts')
    this.#state = 'over'
  }

  /** Whoever cannot use the changes gets the file elsewhere: its siblings and its parent can. */
  #takePatchDone(isRebuilt: boolean): void {
    const isGivenUp = this.#patches.shift()
    demand(isGivenUp !== undefined, 'frame "patchDone" is not due')
    if (!isRebuilt && !isGivenUp)
      refuse('HASH_MISMATCH', 'the child cannot build a file from the version that it offered')
  }

  #open(opened: OpenedMessage): void {
    if (opened.outcome === 'refused') refuse(opened.code, opened.message)
    this.#at = seqWithin(this.#stream, opened.watermark)
    this.#kept = opened.kept ?? []
    this.#listed = seqWithin(this.#stream, opened.listed ?? null)
    this.#state = 'streaming'
  }

  #passed({ frame, turn }: RelayedFrame): Frame | null {
    if (frame.type === 'setBegin') return this.#beginSet(frame, turn)
    if (frame.type === 'jobEnd') return this.#end()
    const set = this.#set
    demand(set !== null, `frame "${frame.type}" outside a set`)
    if (frame.type === 'setEnd') this.#endSet(set)
    if (set.isPassed || this.#isSpared(set, frame)) return null
    if (frame.type === 'patchEnd') this.#patches.push(frame.hash === null)
    return 'block' in frame ? { ...frame, block: this.#packed(frame.block) } : frame
  }

  #beginSet(frame: Frame & { type: 'setBegin' }, turn: WantedTurn | null): Frame | null {
    const isPassed = this.#isPassed(frame.begin)
    this.#set = { begin: frame.begin, isPassed, wanted: null, turn }
    if (isPassed) turn?.take(this, null)
    else this.#asked.push(this.#set)
    return isPassed ? null : frame
  }

  /** Tells whether a set is to be left out for this child; refuses where it can neither take it nor do without. */
  #isPassed({ from, to, kind }: SetBegin): boolean {
    if (kind === 'retry') return true
    if (kind === 'full') {
      fits(this.#at === null, 'it has a part of what is listed')
      fits(from === this.#listedTo, 'the list has begun without it')
      const isTold = this.#listed === null || (this.#toldFrom ?? Infinity) <= this.#listed
      fits(isTold, 'the list does not name what left since one of its own was broken off')
      return false
    }
    fits(this.#at !== null, 'it needs a full list')
    if (this.#at >= to) return true
    fits(this.#at === from, `it is at ${this.#at}, the stream at ${from}`)
    return false
  }

  #endSet({ begin, isPassed }: CurrentSet): void {
    this.#set = null
    if (isPassed) return
    this.#setsEnded++
    if (begin.last) this.#at = begin.to
    else this.#listedTo = begin.to
  }

  /** Content that the child has is not sent where nothing else stands in the same frame. */
  #isSpared(set: CurrentSet, frame: Frame): boolean {
    const { wanted } = set
    if (frame.type === 'fileBegin' || frame.type === 'fileRest' || frame.type === 'patchBegin') {
      this.#isFilePassed = wanted !== null && wanted[frame.index] !== true
      return this.#isFilePassed
    }
    if (CONTENT_PARTS.has(frame.type)) return this.#isFilePassed
    return frame.type === 'pack' && wanted !== null && !wanted.includes(true)
  }

  #end(): Frame {
    const { to } = this.#stream
    fits(this.#at !== null && this.#at >= to, `the stream leaves it at ${this.#at}, not at ${to}`)
    this.#state = 'ending'
    return { type: 'jobEnd' }
  }
}

/** A child that a stream does not fit has done nothing wrong: it was elsewhere when the stream was planned. */
function fits(condition: boolean, message: string): asserts condition {
  if (!condition) refuse('RELAY_UNFIT', message)
}

function seqWithin(stream: RelayedStream, watermark: Position | null): number | null {
  return watermark?.epoch === stream.epoch ? watermark.seq : null
}
