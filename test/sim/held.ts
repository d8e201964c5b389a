import { createHeldSource } from '../../src/cas/sync-client/held-source.ts'
import type { HeldSource } from '../../src/core/apply/outbound.ts'
import { MemoryHolding } from '../fakes/memory-holding.ts'
import type { SimBinding } from './sim-binding.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'
import { openSourceTree } from './source-tree.ts'

/**
 * What a target holds of a source, for another target; null where it has no root, nothing of the source's epoch, or has not
 * heard yet of what the policy is about: the master says that before it says what to send.
 */
export function heldBy(
  { root, view }: SimTarget,
  binding: SimBinding,
  source: SimSource,
): HeldSource | null {
  const isBehind = view.config.viewRevision < source.view.config.viewRevision
  if (root.loss === 'missing' || isBehind) return null
  if (binding.index.watermark()?.epoch !== source.journal.epoch) return null
  const holding = new MemoryHolding(binding.index)
  return createHeldSource({
    sourceId: source.name,
    holding: {
      position: () => holding.position(),
      root: () => binding.root(),
      rows: (range) => holding.rows(range),
    },
    tree: openSourceTree(root, () => undefined),
    filter: view.filter,
    accounts: null,
  })
}
