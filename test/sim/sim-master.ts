import type { Position } from '../../src/core/change/entry.ts'
import { plan } from '../../src/core/plan/planner.ts'
import { type PlannedJob } from '../../src/core/plan/state.ts'
import type { SimClock } from './clock.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'

interface SourceView {
  readonly epoch: string
  readonly headSeq: number
  readonly scanned: boolean
}

interface TargetView {
  readonly watermark: Position | null
  readonly pendingCount: number
}

/** The master's side: what it last heard, and the real planner. */
export class SimMaster {
  readonly #clock: SimClock
  #source: SourceView | null = null
  readonly #targets = new Map<string, TargetView>()

  constructor(clock: SimClock) {
    this.#clock = clock
  }

  /** The last position of the source that anyone told. */
  get known(): Position | null {
    return this.#source === null ? null : { epoch: this.#source.epoch, seq: this.#source.headSeq }
  }

  hearSource({ journal }: SimSource): void {
    const { epoch, headSeq, state } = journal
    this.#source = { epoch, headSeq, scanned: state.completeAtMs !== null }
  }

  hearTarget({ bindingId, index }: SimTarget): void {
    const pendingCount = index.pending().length
    this.#targets.set(bindingId, { watermark: index.watermark(), pendingCount })
  }

  plan(): readonly PlannedJob[] {
    const sourceId = 'source-1'
    const source = this.#source
    if (source === null) return []
    return plan({
      nowMs: this.#clock.nowMs(),
      licensed: true,
      policy: { enabled: true, mode: 'realtime', recovery: 'immediate' },
      sources: [{ sourceId, connected: true, ...source }],
      targets: [...this.#targets].map(([bindingId, target]) => ({
        bindingId,
        sourceId,
        connected: true,
        reported: true,
        awaitedSinceMs: 0,
        drained: false,
        runningJobId: null,
        failures: 0,
        wasAway: false,
        waivedSeq: null,
        lastTry: null,
        ...target,
      })),
      goals: [],
    }).jobs
  }
}
