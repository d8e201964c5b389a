import type { DeletionLimit } from '../../../src/core/change/breaker.ts'
import type { ContentHash } from '../../../src/core/change/entry.ts'
import { Journal } from '../../../src/core/change/journal.ts'
import type { Observation } from '../../../src/core/change/observation.ts'
import { openJournal } from '../../../src/core/change/open-journal.ts'
import type { LookCause } from '../../../src/core/change/row.ts'
import { createFilter } from '../../../src/core/filter/filter.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'
import { compilePatterns } from '../../../src/platform/pattern.ts'
import { MemoryJournalStore } from '../../fakes/memory-journal-store.ts'
import { Disk } from './disk.ts'

export const path = (text: string) => text as RelPath
export const HASH = 'ab'.repeat(32) as ContentHash
export const LATER_MS = 60_000

/** A journal over a small disk, in which everything that is there is recorded and no row is racy any more. */
export class JournalRig {
  readonly disk = new Disk()
  readonly store = new MemoryJournalStore()
  readonly exclude: string[]
  readonly include: string[] = []
  epochs = 0
  journal: Journal
  removeMax = 1000
  deletionLimit: DeletionLimit | null = null
  keepsNames = false

  constructor(disk: (disk: Disk) => Disk = (empty) => empty, exclude: string[] = []) {
    disk(this.disk)
    this.exclude = exclude
    this.journal = this.open()
    this.disk.nowMs += LATER_MS
    this.see('scan', ...this.disk.files.keys())
    this.journal.complete(this.disk.nowMs)
    this.disk.nowMs += LATER_MS
  }

  open(known: { epoch: string; seq: number } | null = null): Journal {
    const newEpoch = () => `e${++this.epochs}`
    openJournal(this.store, { view: '', viewRevision: 1, known, newEpoch })
    const { include, exclude } = this
    const filter = createFilter({ include, exclude }, compilePatterns)
    if (!filter.ok) throw new Error(filter.error.message)
    const { removeMax, deletionLimit, keepsNames } = this
    const limits = { removeMax, deletionLimit }
    const options = { filter: filter.value, lookAt: this.disk.look, keepsNames, ...limits }
    return new Journal(this.store, options)
  }

  /** Looks at paths and records what is there. */
  see(cause: LookCause, ...paths: string[]) {
    const observations: Observation[] = []
    for (const at of paths) {
      const state = this.disk.look(path(at))
      if (state !== 'unreadable') observations.push({ path: path(at), state, cause })
    }
    return this.journal.record(observations, this.disk.nowMs)
  }

  /** What changed above a seq: `operation path (from)`. */
  after(seq: number): string[] {
    const range = { after: seq, upTo: this.journal.headSeq, limit: 10_000, liveOnly: false }
    return this.journal
      .changes(range)
      .map((row) => `${row.operation} ${row.path}${row.from === null ? '' : ` (${row.from})`}`)
  }

  /** What the action changes. */
  changes(action: () => void): string[] {
    const before = this.journal.headSeq
    action()
    return this.after(before)
  }

  hash(at: string) {
    const row = this.store.get(path(at))
    if (row?.state === null || row?.state === undefined) throw new Error(`${at} has no state`)
    this.journal.keepHashes([{ path: row.path, seq: row.seq, hash: HASH, fingerprint: row.state }])
  }

  trust(at: string) {
    return this.store.get(path(at))?.hashTrust
  }
}
