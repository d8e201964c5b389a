import type { Working } from '../base/working.ts'
import { type Removing, byPath } from './decision.ts'
import { notEmpty } from './refusal.ts'
import type { Work } from './work.ts'

/** Deletes, deepest first. A folder that still holds something of others stays, pending. */
export function* removeAll(work: Work, gone: readonly Removing[]): Working<void> {
  for (const { entry, verdict } of gone.toSorted((one, other) => byPath(other, one))) {
    if (work.ledger.removes.has(entry.path)) continue
    yield
    work.ledger.attempt(entry, () => {
      if (verdict.disk.type !== 'directory') work.tree.unlink(entry.path)
      else if (!work.tree.removeDirectory(entry.path)) throw notEmpty(entry.path)
      work.ledger.gone(entry.path)
    })
  }
}
