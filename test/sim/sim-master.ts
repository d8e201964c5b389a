import type { Position } from '../../src/core/change/entry.ts'
import { plan } from '../../src/core/plan/planner.ts'
import type { PlannedJob } from '../../src/core/plan/state.ts'
import { target as usualTarget } from '../core/plan/plan-of.ts'
import type { SimClock } from './clock.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'

interface SourceView {
  readonly epoch: string
  readonly headSeq: number
  readonly scanned: boolean
}

interface BindingView {
  readonly sourceId: string
  readonly watermark: Position | null
  readonly pendingCount: number
}

/** The master's side: what it last heard, and the real planner. */
export class SimMaster {
  readonly #clock: SimClock
  readonly #sources = new Map<string, SourceView>()
  readonly #bindings = new Map<string, BindingView>()

  constructor(clock: SimClock) {
    this.#clock = clock
  }

  /** The last position of a source that anyone told. */
  known({ name }: SimSource): Position | null {
    const source = this.#sources.get(name)
    return source === undefined ? null : { epoch: source.epoch, seq: source.headSeq }
  }

  hearSource({ name, journal }: SimSource): void {
    const { epoch, headSeq, state } = journal
    this.#sources.set(name, { epoch, headSeq, scanned: state.completeAtMs !== null })
  }

  hearTarget({ bindings }: SimTarget, sources: readonly SimSource[]): void {
    for (const { bindingId, order, index, pendingCount } of bindings) {
      const sourceId = sources[order]?.name ?? ''
      this.#bindings.set(bindingId, { sourceId, watermark: index.watermark(), pendingCount })
    }
  }

  plan(): readonly PlannedJob[] {
    return plan({
      nowMs: this.#clock.nowMs(),
      licensed: true,
      policy: { enabled: true, mode: 'realtime', recovery: 'immediate' },
      sources: [...this.#sources].map(([sourceId, source]) => ({
        sourceId,
        connected: true,
        place: null,
        dialsOut: false,
        ...source,
      })),
      targets: [...this.#bindings].map(([bindingId, binding]) => ({
        ...usualTarget,
        bindingId,
        place: null,
        canServe: false,
        ...binding,
      })),
      goals: [],
    }).jobs
  }
}
