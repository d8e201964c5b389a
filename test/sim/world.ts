import type { IndexRow } from '../../src/core/apply/index-store.ts'
import { type RelPath, ROOT } from '../../src/core/path/rel-path.ts'
import { walk } from '../fakes/memory-tree.ts'
import type { SimClock } from './clock.ts'
import type { Dice } from './dice.ts'
import { type Scenario, drawScenario } from './scenario.ts'
import { SimSource } from './sim-source.ts'
import { SimTarget } from './sim-target.ts'

/** Everything that can be looked at between two steps. */
export interface World {
  readonly scenario: Scenario
  readonly sources: readonly SimSource[]
  readonly targets: readonly SimTarget[]
}

/** Makes the world of a run, in which nothing has happened yet. */
export function makeWorld(dice: Dice, clock: SimClock): World {
  const scenario = drawScenario(dice)
  const { deletionLimit, views, sourceCount, names } = scenario
  const sources = Array.from({ length: sourceCount }, (_, order) => {
    const isMountPoint = dice.oneIn(2)
    return new SimSource({ order, clock, deletionLimit, views, isMountPoint })
  })
  const targets = names.map((keeping, index) => {
    const isMountPoint = dice.oneIn(2)
    return new SimTarget({
      name: `target-${index + 1}`,
      clock,
      names: keeping,
      scenario,
      isMountPoint,
    })
  })
  return { scenario, sources, targets }
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
