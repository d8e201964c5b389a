import type { HeldSource } from '../../src/core/apply/outbound.ts'
import type { Position } from '../../src/core/change/entry.ts'
import { heldBy } from './held.ts'
import type { Run } from './run-parts.ts'
import type { SimBinding } from './sim-binding.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'
import type { Troubles } from './troubles.ts'

/** Up to where a source is to be applied by a binding. */
interface Instruction {
  readonly binding: SimBinding
  readonly source: SimSource
  readonly to: Position
}

/** What the master hears and says, and the jobs that come of it. */
export class Traffic {
  readonly #run: Run
  readonly #troubles: Troubles

  constructor(run: Run, troubles: Troubles) {
    this.#run = run
    this.#troubles = troubles
  }

  async detect(): Promise<void> {
    const { dice, trace, world } = this.#run
    const source = dice.oneOf(world.sources)
    source.deliver(dice)
    await source.detect()
    trace.push(`${source.name}: detected up to ${source.journal.headSeq}`)
  }

  hear(): void {
    const { dice, master, world } = this.#run
    for (const source of world.sources) if (!dice.oneIn(4)) master.hearSource(source)
    for (const target of world.targets) if (!dice.oneIn(4)) master.hearTarget(target, world.sources)
  }

  /** The master hears late, and what it says may be heard twice or be old by then. */
  transfer(): void {
    const { dice, master, world } = this.#run
    for (const { sourceId, to, bindingIds } of master.plan()) {
      const source = world.sources.find((one) => one.name === sourceId)
      for (const target of world.targets) {
        const binding = target.bindings.find(({ bindingId }) => bindingIds.includes(bindingId))
        if (source === undefined || binding === undefined || dice.oneIn(8)) continue
        this.#receive(target, { binding, source, to })
        if (dice.oneIn(8)) this.#receive(target, { binding, source, to })
      }
    }
  }

  #receive(target: SimTarget, { binding, source, to }: Instruction): void {
    const { dice, met, trace } = this.#run
    if (to.epoch !== source.journal.epoch) return
    const asked = dice.oneIn(3) ? dice.below(to.seq + 1) : to.seq
    const meanwhile = () => this.#whileReceiving(target, binding)
    const held = dice.oneIn(3) ? this.#heldByOther(target, { binding, source }) : null
    const seq = held === null ? asked : Math.min(asked, held.headSeq())
    const job = { binding, source: held ?? source.outbound, to: seq, meanwhile }
    const before = binding.index.watermark()
    const what = target.receive(job, dice)
    if (held !== null && binding.index.watermark() !== before) met.add('a holder brings something')
    trace.push(`${binding.bindingId} up to ${seq}${held === null ? '' : ' from a holder'}: ${what}`)
  }

  /** Another target may serve in the stead of the source. */
  #heldByOther(target: SimTarget, { binding, source }: Omit<Instruction, 'to'>): HeldSource | null {
    const { dice, world } = this.#run
    const holder = dice.pick(world.targets.filter((one) => one !== target))
    const holding = holder?.bindings[binding.order]
    return holder === null || holding === undefined ? null : heldBy(holder, holding, source)
  }

  /** Another source may come to the same target, and the target may lose its root. */
  #whileReceiving(target: SimTarget, busy: SimBinding): void {
    const { dice, master, met, world } = this.#run
    if (world.scenario.losesRoots && dice.oneIn(100)) this.#troubles.loseOrFind(target)
    if (target.jobCount > 1 || !dice.oneIn(10)) return
    const binding = dice.pick(target.bindings.filter((one) => one !== busy))
    const source = binding === null ? undefined : world.sources[binding.order]
    const to = source === undefined ? null : master.known(source)
    if (binding === null || source === undefined || to === null) return
    met.add('jobs of two sources at once')
    this.#receive(target, { binding, source, to })
  }
}
