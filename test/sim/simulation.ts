import { fromText } from '../../src/core/base/byte-string.ts'
import { ROOT, child } from '../../src/core/path/rel-path.ts'
import { walk } from '../fakes/memory-tree.ts'
import { SimClock } from './clock.ts'
import { comeToRest } from './coming-to-rest.ts'
import { Dice } from './dice.ts'
import { violations } from './invariants.ts'
import { Met } from './met.ts'
import { type View, drawScenario } from './scenario.ts'
import type { SimBinding } from './sim-binding.ts'
import { SimMaster } from './sim-master.ts'
import { LOSSES } from './sim-root.ts'
import { SimSource } from './sim-source.ts'
import { SimTarget } from './sim-target.ts'
import { SourceOperations } from './source-operations.ts'
import type { Looking } from './source-tree.ts'
import { Stays } from './stays.ts'
import type { World } from './world.ts'

const FIRST_OPERATIONS = 12
const STEPS = 100
/** Of every source beyond the first. */
const FURTHER_STEPS = 40
const OWN_NAMES = ['a', 'b', 'c', 'd', 'own', 'x~'] as const

export interface SimulationResult {
  readonly seed: number
  /** Empty where everything held. */
  readonly problems: readonly string[]
  readonly trace: readonly string[]
  /** What happened, by name. */
  readonly met: ReadonlySet<string>
}

/**
 * One run: people work on sources while hints come late, processes die, hosts lose power, connections break, disks fill,
 * roots are lost and come back, and the policy changes; after every step the invariants are checked, and once everything
 * is whole again each target must hold the union of its sources. Everything depends on the seed alone.
 */
export async function simulate(seed: number): Promise<SimulationResult> {
  const simulation = new Simulation(seed)
  const result = (problems: readonly string[]) => {
    return { seed, problems, trace: simulation.trace, met: simulation.met.names }
  }
  try {
    return result(await simulation.run())
  } catch (thrown) {
    return result([thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)])
  }
}

class Simulation {
  readonly trace: string[] = []
  readonly met = new Met()
  readonly #dice: Dice
  readonly #clock = new SimClock()
  readonly #world: World
  readonly #master = new SimMaster(this.#clock)
  readonly #operations = new Map<SimSource, SourceOperations>()
  readonly #stays: Stays
  /** What a person saw of what a source holds, perhaps a while ago. */
  readonly #shown = new Map<SimSource, string>()
  /** Who has not heard yet of what the policy is about by now. */
  readonly #unaware = new Set<SimSource | SimTarget>()
  readonly #comingViews: View[]
  #view: View

  constructor(seed: number) {
    const dice = new Dice(seed)
    const scenario = drawScenario(dice)
    const [view, ...comingViews] = scenario.views
    if (view === undefined) throw new Error('a policy is about something')
    this.#dice = dice
    this.#view = view
    this.#comingViews = comingViews
    const { deletionLimit, views, sourceCount, names } = scenario
    const clock = this.#clock
    const sources = Array.from({ length: sourceCount }, (_, order) => {
      const isMountPoint = dice.oneIn(2)
      return new SimSource({ order, clock, deletionLimit, views, isMountPoint })
    })
    const targets = names.map((keeping, index) => {
      const isMountPoint = dice.oneIn(2)
      const targetId = `target-${index + 1}`
      return new SimTarget({ targetId, clock, names: keeping, scenario, view, isMountPoint })
    })
    this.#world = { scenario, sources, targets }
    for (const source of sources) this.#inhabit(source)
    this.#stays = new Stays(this.#world)
  }

  #inhabit(source: SimSource): void {
    const operations = new SourceOperations(source.tree, this.#dice, (hint) => source.hint(hint))
    this.#operations.set(source, operations)
    source.onLook = (at) => this.#whileLooking(source, at)
  }

  #whileLooking(source: SimSource, at: Looking): void {
    if (at === 'file' && this.#dice.oneIn(20)) this.#operate(source, 'while it is read')
    if (this.#world.scenario.losesRoots && this.#dice.oneIn(200)) this.#loseOrFind(source)
  }

  async run(): Promise<string[]> {
    const { sources, targets, scenario } = this.#world
    this.met.add(`sources: ${sources.length}`)
    if (scenario.hasOwnFiles) for (const target of targets) this.#putOwnFile(target)
    for (const source of sources)
      for (let start = 0; start < FIRST_OPERATIONS; start++) this.#operate(source, 'at first')
    const steps = STEPS + FURTHER_STEPS * (sources.length - 1)
    for (let step = 0; step < steps; step++) {
      await this.#step()
      const problems = this.#check()
      if (problems.length > 0) return problems
    }
    await this.#makeWhole()
    return comeToRest(this.#world, {
      clock: this.#clock,
      master: this.#master,
      trace: this.trace,
      hasFurtherNames: [...this.#operations.values()].some(({ makesNames }) => makesNames),
      check: () => this.#check(),
    })
  }

  async #step(): Promise<void> {
    const { losesRoots, hasOwnFiles } = this.#world.scenario
    this.#clock.advance(this.#dice.below(40))
    const steps: readonly [number, () => void | Promise<void>][] = [
      [10, () => this.#operate(this.#anySource, '')],
      [5, () => this.#detect()],
      [5, () => this.#transfer()],
      [3, () => this.#hear()],
      [1, () => this.#crashTarget()],
      [1, () => this.#crashSource()],
      [1, () => this.#fill()],
      [1, () => this.#answer()],
      [1, () => this.#changePolicy()],
      [losesRoots ? 2 : 0, () => this.#loseOrFind(this.#anyone)],
      [hasOwnFiles ? 1 : 0, () => this.#putOwnFile(this.#anyTarget)],
    ]
    let throwOf = this.#dice.below(steps.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, step] of steps) {
      if (throwOf < weight) return step()
      throwOf -= weight
    }
  }

  get #anySource(): SimSource {
    return this.#pick(this.#world.sources)
  }

  get #anyTarget(): SimTarget {
    return this.#pick(this.#world.targets)
  }

  get #anyone(): SimSource | SimTarget {
    return this.#pick([...this.#world.sources, ...this.#world.targets])
  }

  #pick<T>(some: readonly T[]): T {
    const picked = this.#dice.pick(some)
    if (picked === null) throw new Error('there is always someone')
    return picked
  }

  #operate(source: SimSource, when: string): void {
    this.#clock.advance(this.#dice.below(10))
    const what = this.#operations.get(source)?.next()
    this.trace.push(`${source.sourceId}: ${what} ${when}`)
    source.history.note(source.tree)
  }

  async #detect(): Promise<void> {
    const source = this.#anySource
    source.deliver(this.#dice)
    await source.detect()
    this.trace.push(`${source.sourceId}: detected up to ${source.journal.headSeq}`)
  }

  /** The master hears late, and what it says may be heard twice or be old by then. */
  #transfer(): void {
    const { sources, targets } = this.#world
    for (const { sourceId, to, bindingIds } of this.#master.plan()) {
      const source = sources.find((one) => one.sourceId === sourceId)
      for (const target of targets) {
        const binding = target.bindings.find(({ bindingId }) => bindingIds.includes(bindingId))
        if (source === undefined || binding === undefined || this.#dice.oneIn(8)) continue
        this.#receive(target, { binding, source, to })
        if (this.#dice.oneIn(8)) this.#receive(target, { binding, source, to })
      }
    }
  }

  #receive(
    target: SimTarget,
    job: {
      readonly binding: SimBinding
      readonly source: SimSource
      readonly to: { readonly epoch: string; readonly seq: number }
    },
  ): void {
    const { binding, source, to } = job
    if (to.epoch !== source.journal.epoch) return
    const seq = this.#dice.oneIn(3) ? this.#dice.below(to.seq + 1) : to.seq
    const meanwhile = () => this.#whileReceiving(target, binding)
    const { outbound } = source
    const what = target.receive({ binding, source: outbound, to: seq, meanwhile }, this.#dice)
    this.trace.push(`${binding.bindingId} up to ${seq}: ${what}`)
  }

  /** Another source may come to the same target, and the target may lose its root. */
  #whileReceiving(target: SimTarget, busy: SimBinding): void {
    const { scenario, sources } = this.#world
    if (scenario.losesRoots && this.#dice.oneIn(100)) this.#loseOrFind(target)
    if (target.jobCount > 1 || !this.#dice.oneIn(10)) return
    const binding = this.#dice.pick(target.bindings.filter((one) => one !== busy))
    const source = binding === null ? undefined : sources[binding.order]
    const to = source === undefined ? null : this.#master.known(source)
    if (binding === null || source === undefined || to === null) return
    this.met.add('jobs of two sources at once')
    this.#receive(target, { binding, source, to })
  }

  #hear(): void {
    const { sources, targets } = this.#world
    for (const source of sources) if (!this.#dice.oneIn(4)) this.#master.hearSource(source)
    for (const target of targets) if (!this.#dice.oneIn(4)) this.#master.hearTarget(target, sources)
  }

  #crashTarget(): void {
    const target = this.#anyTarget
    target.crash(this.#dice)
    this.trace.push(`${target.targetId} crashed`)
  }

  #crashSource(): void {
    const source = this.#anySource
    const kind = this.#dice.oneIn(2) ? 'killed' : 'powerCut'
    source.crash(kind, this.#dice, this.#master.known(source))
    this.trace.push(`${source.sourceId} crashed: ${kind}`)
    source.history.note(source.tree)
  }

  #fill(): void {
    const target = this.#anyTarget
    target.isFull = !target.isFull
    this.trace.push(`${target.targetId} is ${target.isFull ? 'full' : 'not full'}`)
  }

  /** Somebody looks at what is held, or says what is to become of what he saw. */
  #answer(): void {
    const source = this.#anySource
    const { journal } = source
    const shown = this.#shown.get(source)
    this.#shown.delete(source)
    if (shown === undefined || this.#dice.oneIn(3)) {
      if (journal.hold !== null) this.#shown.set(source, journal.hold.fingerprint)
      return
    }
    const isCurrent = shown === journal.hold?.fingerprint
    const decision = this.#dice.oneIn(2) ? 'release' : 'keep'
    const isTaken = journal.resolveHold(shown, decision)
    this.trace.push(`${decision} what is held: ${isTaken ? 'taken' : 'not what was shown'}`)
    if (isTaken !== isCurrent) throw new Error('an answer was taken for another hold')
  }

  /** The policy is about something else from now on; those concerned hear of it one by one. */
  async #changePolicy(): Promise<void> {
    const [who] = this.#unaware
    if (who !== undefined) return this.#tell(who)
    const view = this.#comingViews.shift()
    if (view === undefined) return
    this.#view = view
    const { deleteExcluded } = view.config.filter
    this.met.add(`the filter changes${deleteExcluded ? ', and what is excluded is deleted' : ''}`)
    this.trace.push(`the filter is ${JSON.stringify(view.config.filter)}`)
    const { sources, targets } = this.#world
    const all = [...sources, ...targets]
    const first = this.#dice.below(all.length)
    for (const one of [...all.slice(first), ...all.slice(0, first)]) this.#unaware.add(one)
  }

  async #tell(who: SimSource | SimTarget): Promise<void> {
    this.#unaware.delete(who)
    this.trace.push(`${nameOf(who)} hears of the filter`)
    if (who instanceof SimSource) await who.configure(this.#view, this.#master.known(who))
    else who.configure(this.#view)
  }

  /** Only what was seen once can be missed. */
  #loseOrFind(who: SimSource | SimTarget): void {
    const isKnown =
      who instanceof SimSource
        ? who.journal.state.root !== null
        : who.bindings.some((binding) => binding.root() !== null)
    if (who.root.loss !== null) who.root.comeBack()
    else if (isKnown) who.lose(this.#pick(LOSSES), this.#dice)
    this.trace.push(`the root of ${nameOf(who)}: ${who.root.loss ?? 'there'}`)
  }

  #putOwnFile(target: SimTarget): void {
    const folders = [ROOT, ...walk(target.tree, ROOT)].filter(
      (path) => target.tree.lstat(path)?.type === 'directory' && !path.startsWith('.cd-staging'),
    )
    const path = child(this.#pick(folders), fromText(this.#pick(OWN_NAMES)))
    if (target.putOwnFile(path)) this.trace.push(`${target.targetId} has "${path}" of its own`)
  }

  #check(): string[] {
    this.met.look(this.#world)
    const problems = [...violations(this.#world), ...this.#stays.check()]
    if (this.#stays.hasHidden) this.met.add('something is excluded and there')
    return problems
  }

  /** Whatever was lost or late is there. */
  async #makeWhole(): Promise<void> {
    for (const who of this.#unaware) await this.#tell(who)
    const { sources, targets } = this.#world
    for (const source of sources) {
      source.onLook = () => undefined
      source.root.comeBack()
    }
    for (const target of targets) {
      target.root.comeBack()
      target.isFull = false
      target.openAll()
    }
  }
}

function nameOf(who: SimSource | SimTarget): string {
  return who instanceof SimSource ? who.sourceId : who.targetId
}
