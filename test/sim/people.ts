import type { Run } from './run-parts.ts'
import type { View } from './scenario.ts'
import { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'
import { SourceOperations } from './source-operations.ts'

/** Who works on sources, answers what they hold back, and changes the policy. */
export class People {
  readonly #run: Run
  readonly #operations = new Map<SimSource, SourceOperations>()
  /** What a person saw of what a source holds, perhaps a while ago. */
  readonly #shown = new Map<SimSource, string>()
  /** Who has not heard yet of what the policy is about by now. */
  readonly #unaware = new Set<SimSource | SimTarget>()
  readonly #comingViews: View[]
  #view: View | null = null

  constructor(run: Run) {
    this.#run = run
    this.#comingViews = run.world.scenario.views.slice(1)
    for (const source of run.world.sources) {
      const hint = source.hint.bind(source)
      this.#operations.set(source, new SourceOperations(source.tree, run.dice, hint))
    }
  }

  /** Files get further names. */
  get makeNames(): boolean {
    return [...this.#operations.values()].some(({ makesNames }) => makesNames)
  }

  operate(source: SimSource, when: string): void {
    const { clock, dice, trace } = this.#run
    clock.advance(dice.below(10))
    const what = this.#operations.get(source)?.next()
    trace.push(`${source.name}: ${what} ${when}`)
    source.history.note(source.tree)
  }

  /** Somebody looks at what is held, or says what is to become of what he saw. */
  answer(): void {
    const { dice, trace, world } = this.#run
    const source = dice.oneOf(world.sources)
    const { journal } = source
    const shown = this.#shown.get(source)
    this.#shown.delete(source)
    if (shown === undefined || dice.oneIn(3)) {
      if (journal.hold !== null) this.#shown.set(source, journal.hold.fingerprint)
      return
    }
    const isCurrent = shown === journal.hold?.fingerprint
    const decision = dice.oneIn(2) ? 'release' : 'keep'
    const isTaken = journal.resolveHold(shown, decision)
    trace.push(`${decision} what is held: ${isTaken ? 'taken' : 'not what was shown'}`)
    if (isTaken !== isCurrent) throw new Error('an answer was taken for another hold')
  }

  /** The policy is about something else from now on; those concerned hear of it one by one. */
  async changePolicy(): Promise<void> {
    const [who] = this.#unaware
    if (who !== undefined) return this.#tell(who)
    const view = this.#comingViews.shift()
    if (view === undefined) return
    this.#view = view
    const { dice, trace, met, world } = this.#run
    const { filter } = view.config
    met.add(`the filter changes${filter.deleteExcluded ? ', and what is excluded is deleted' : ''}`)
    trace.push(`the filter is ${JSON.stringify(filter)}`)
    const all = [...world.sources, ...world.targets]
    const first = dice.below(all.length)
    for (const one of [...all.slice(first), ...all.slice(0, first)]) this.#unaware.add(one)
  }

  /** Everyone hears of the policy as it is. */
  async tellAll(): Promise<void> {
    for (const who of this.#unaware) await this.#tell(who)
  }

  async #tell(who: SimSource | SimTarget): Promise<void> {
    this.#unaware.delete(who)
    if (this.#view === null) return
    this.#run.trace.push(`${who.name} hears of the filter`)
    if (who instanceof SimSource) await who.configure(this.#view, this.#run.master.known(who))
    else who.configure(this.#view)
  }
}
