import type { Note } from '../../src/core/apply/notes.ts'
import { isWithheld } from '../../src/core/change/entry.ts'
import type { HeldPosition, HeldRange, HeldRow, Holding } from '../../src/store/index-holding.ts'
import type { MemoryIndex } from './memory-index.ts'

/** `Holding` of an index in memory; passes the suite of the real one. */
export class MemoryHolding implements Pick<Holding, 'position' | 'rows'> {
  readonly #index: MemoryIndex

  constructor(index: MemoryIndex) {
    this.#index = index
  }

  position(): HeldPosition | null {
    const watermark = this.#index.watermark()
    return watermark === null ? null : { ...watermark, absentSince: this.#index.absences().since }
  }

  rows({ after, upTo, limit, liveOnly }: HeldRange): HeldRow[] | null {
    const epoch = this.#index.watermark()?.epoch
    const rows = this.#index.rows()
    if (epoch === undefined || this.#isBroken || rows.some((row) => row.epoch !== epoch))
      return null
    const { all } = this.#index.absences()
    const gone = new Set(all.map(({ path }) => path))
    const there = rows.filter(({ path }) => !gone.has(path))
    const present = there.map((row): HeldRow => ({ kind: 'present', row }))
    const left = all.filter((one) => {
      return one.epoch === epoch && (!liveOnly || isWithheld(one.operation))
    })
    const absent = left.map(({ path, seq, operation }): HeldRow => {
      return { kind: 'absent', path, seq, operation }
    })
    return [...present, ...absent]
      .filter((one) => seqOf(one) > after && seqOf(one) <= upTo)
      .toSorted((one, other) => seqOf(one) - seqOf(other))
      .slice(0, limit)
  }

  get #isBroken(): boolean {
    const codes = new Set<Note>(this.#index.notes().counts.map(({ code }) => code))
    return (
      this.#index.pending().length > 0 || codes.has('CONFLICT') || codes.has('TYPE_UNSUPPORTED')
    )
  }
}

function seqOf(one: HeldRow): number {
  return one.kind === 'present' ? one.row.seq : one.seq
}
