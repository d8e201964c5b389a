import type { Frame } from '../wire/frame.ts'
import type { Base } from '../wire/patch-frames.ts'
import type { RelayChild } from './relay-child.ts'
import { type SubtreeAnswer, type WantedTurn, WantedTurns } from './relay-wanted.ts'

/** Frames of a sender that are passed on as they are; all others are between two neighbours. */
const PASSED_ON: ReadonlySet<Frame['type']> = new Set<Frame['type']>([
  'setBegin',
  'entries',
  'pack',
  'fileBegin',
  'fileRest',
  'fileData',
  'fileEnd',
  'patchBegin',
  'fileCopy',
  'patchEnd',
  'setEnd',
  'jobEnd',
])

/** Replies of this server that speak for it alone. */
const OWN_WORD: ReadonlySet<Frame['type']> = new Set<Frame['type']>([
  'setDone',
  'signature',
  'patchDone',
])

/** A frame on its way to the children of a stream. */
export interface RelayedFrame {
  readonly frame: Frame
  /** That of the set which the frame begins. */
  readonly turn: WantedTurn | null
}

/**
 * Puts the children of one stream together: says what goes to each of them, and makes of this server's answers those of
 * the whole subtree.
 */
export class Relay {
  readonly #live: Set<RelayChild>
  readonly #turns = new WantedTurns()
  readonly #mayLeave: () => boolean
  #ownEnd: 'due' | 'reached' | 'told' = 'due'

  /** `mayLeave` says whether this server's own end may be told while children still take what they were given. */
  constructor(children: Iterable<RelayChild>, mayLeave: () => boolean) {
    this.#live = new Set(children)
    this.#mayLeave = mayLeave
  }

  /** True once the parent was told that the job has ended here: it is to hear nothing more. */
  get hasLeft(): boolean {
    return this.#ownEnd === 'told'
  }

  /** Gives a frame of the parent, with its bytes, as the children are to get it; null where it is not for them. */
  passOn(frame: Frame): RelayedFrame | null {
    if (!PASSED_ON.has(frame.type) || this.#live.size === 0) return null
    const turn = frame.type === 'setBegin' ? this.#turns.begin(this.#live) : null
    return { frame, turn }
  }

  /**
   * Gives what of this server's own replies may go to the parent now; the rest waits for the children. What would make
   * the parent send to this server alone is left out.
   */
  replies(own: readonly Frame[]): Frame[] {
    const out: Frame[] = []
    let bases: readonly Base[] = []
    for (const frame of own) {
      if (frame.type === 'bases') ({ bases } = frame)
      else if (frame.type === 'wanted') this.#turns.takeOwn(frame.wanted, bases)
      else if (frame.type === 'jobEnd') this.#ownEnd = 'reached'
      else if (OWN_WORD.has(frame.type)) out.push(frame)
    }
    return [...out, ...this.released()]
  }

  /**
   * What waited and may go to the parent now, because of something a child said or because one is gone. With the end of
   * the job here, everything is said: the parent sent its last, and its next job must not wait for a slow child.
   */
  released(): Frame[] {
    if (this.#ownEnd === 'told') return []
    const isEnd = this.#ownEnd === 'reached' && (this.#live.size === 0 || this.#mayLeave())
    if (isEnd) this.#turns.settle()
    const out = [...this.#turns.ready()].flatMap(answerFrames)
    if (!isEnd) return out
    this.#ownEnd = 'told'
    return [...out, { type: 'jobEnd' }]
  }

  /** A child has ended or was dropped: nothing waits for it any more. */
  gone(child: RelayChild): void {
    if (this.#live.delete(child)) this.#turns.forget(child)
  }
}

/** The answer for a set, as it goes to the parent. */
function answerFrames({ wanted, bases }: SubtreeAnswer): Frame[] {
  const answer: Frame = { type: 'wanted', wanted }
  return bases.length === 0 ? [answer] : [{ type: 'bases', bases }, answer]
}
