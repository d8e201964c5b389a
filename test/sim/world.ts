import type { IndexRow } from '../../src/core/apply/index-store.ts'
import { type RelPath, ROOT } from '../../src/core/path/rel-path.ts'
import { walk } from '../fakes/memory-tree.ts'
import type { Scenario } from './scenario.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'

/** Everything that can be looked at between two steps. */
export interface World {
  readonly scenario: Scenario
  readonly sources: readonly SimSource[]
  readonly targets: readonly SimTarget[]
}

/** Tells whether a path was out of sight at some time, as one thing or another. */
export function wasEverHidden({ scenario }: World, path: RelPath): boolean {
  return scenario.views.some(({ filter }) => !filter.letsThrough(path, 'leaf'))
}

/** Every row that some binding of a target has at a path. */
export function rowsAt({ bindings }: SimTarget, path: RelPath): (IndexRow & { order: number })[] {
  return bindings.flatMap(({ order, index }) => {
    const row = index.get(path)
    return row === null ? [] : [{ ...row, order }]
  })
}

/** What lies at a target and is not there for any source. */
export function extras(world: World, target: SimTarget): ReadonlySet<RelPath> {
  const isExtra = (path: RelPath) =>
    target.ownFiles.has(path) || (wasEverHidden(world, path) && rowsAt(target, path).length === 0)
  return new Set([...walk(target.tree, ROOT)].filter(isExtra))
}
