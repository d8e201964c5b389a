import { fromText } from '../../src/core/base/byte-string.ts'
import { ROOT, child, isStaging } from '../../src/core/path/rel-path.ts'
import { walk } from '../fakes/memory-tree.ts'
import type { Run } from './run-parts.ts'
import { LOSSES } from './sim-root.ts'
import { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'

const OWN_NAMES = ['a', 'b', 'c', 'd', 'own', 'x~'] as const

/** What nobody wants: processes die, disks fill, roots are lost, and somebody else puts files into a target. */
export class Troubles {
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  crashTarget(): void {
    const { dice, trace, world } = this.#run
    const target = dice.oneOf(world.targets)
    target.crash(dice)
    trace.push(`${target.name} crashed`)
  }

  crashSource(): void {
    const { dice, trace, master, world } = this.#run
    const source = dice.oneOf(world.sources)
    const kind = dice.oneIn(2) ? 'killed' : 'powerCut'
    source.crash(kind, dice, master.known(source))
    trace.push(`${source.name} crashed: ${kind}`)
    source.history.note(source.tree)
  }

  fill(): void {
    const { dice, trace, world } = this.#run
    const target = dice.oneOf(world.targets)
    target.isFull = !target.isFull
    trace.push(`${target.name} is ${target.isFull ? 'full' : 'not full'}`)
  }

  loseAnyRoot(): void {
    const { dice, world } = this.#run
    this.loseOrFind(dice.oneOf([...world.sources, ...world.targets]))
  }

  /** Only a root that was seen once can be missed. */
  loseOrFind(who: SimSource | SimTarget): void {
    const { dice, trace } = this.#run
    const isKnown =
      who instanceof SimSource
        ? who.journal.state.root !== null
        : who.bindings.some((binding) => binding.root() !== null)
    if (who.root.loss !== null) who.root.comeBack()
    else if (isKnown) who.lose(dice.oneOf(LOSSES), dice)
    trace.push(`the root of ${who.name}: ${who.root.loss ?? 'there'}`)
  }

  putOwnFile(target: SimTarget): void {
    const { dice, trace } = this.#run
    const folders = [ROOT, ...walk(target.tree, ROOT)].filter(
      (path) => target.tree.lstat(path)?.type === 'directory' && !isStaging(path),
    )
    const path = child(dice.oneOf(folders), fromText(dice.oneOf(OWN_NAMES)))
    if (target.putOwnFile(path)) trace.push(`${target.name} has "${path}" of its own`)
  }

  /** Whatever was lost or full is there and empty. */
  end(): void {
    const { sources, targets } = this.#run.world
    for (const source of sources) source.root.comeBack()
    for (const target of targets) {
      target.root.comeBack()
      target.isFull = false
      target.openAll()
    }
  }
}
