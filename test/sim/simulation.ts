import { SimClock } from './clock.ts'
import { comeToRest } from './coming-to-rest.ts'
import { Dice } from './dice.ts'
import { violations } from './invariants.ts'
import { Met } from './met.ts'
import { People } from './people.ts'
import type { Run } from './run-parts.ts'
import { SimMaster } from './sim-master.ts'
import { Stays } from './stays.ts'
import { Traffic } from './traffic.ts'
import { Troubles } from './troubles.ts'
import { makeWorld } from './world.ts'

const FIRST_OPERATIONS = 12
const STEPS = 100
/** Of every source beyond the first. */
const FURTHER_STEPS = 40

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
  const dice = new Dice(seed)
  const clock = new SimClock()
  const world = makeWorld(dice, clock)
  const run = { world, dice, clock, master: new SimMaster(clock), trace: [], met: new Met() }
  const result = (problems: readonly string[]) => {
    return { seed, problems, trace: run.trace, met: run.met.names }
  }
  try {
    return result(await new Simulation(run).run())
  } catch (thrown) {
    return result([thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)])
  }
}

class Simulation {
  readonly #run: Run
  readonly #people: People
  readonly #troubles: Troubles
  readonly #traffic: Traffic
  readonly #stays: Stays

  constructor(run: Run) {
    this.#run = run
    this.#people = new People(run)
    this.#troubles = new Troubles(run)
    this.#traffic = new Traffic(run, this.#troubles)
    this.#stays = new Stays(run.world)
  }

  async run(): Promise<string[]> {
    const { met, world } = this.#run
    const { sources, targets, scenario } = world
    met.add(`sources: ${sources.length}`)
    if (scenario.hasOwnFiles) for (const target of targets) this.#troubles.putOwnFile(target)
    for (const source of sources)
      for (let start = 0; start < FIRST_OPERATIONS; start++)
        this.#people.operate(source, 'at first')
    this.#disturbLooks()
    const steps = STEPS + FURTHER_STEPS * (sources.length - 1)
    for (let step = 0; step < steps; step++) {
      await this.#step()
      const problems = this.#check()
      if (problems.length > 0) return problems
    }
    for (const source of sources) source.onLook = () => undefined
    await this.#people.tellAll()
    this.#troubles.end()
    const hasFurtherNames = this.#people.makeNames
    return comeToRest(this.#run, { hasFurtherNames, check: () => this.#check() })
  }

  /** Whenever somebody looks at a source, something may happen there. */
  #disturbLooks(): void {
    const { dice, world } = this.#run
    for (const source of world.sources)
      source.onLook = (at) => {
        if (at === 'file' && dice.oneIn(20)) this.#people.operate(source, 'while it is read')
        if (world.scenario.losesRoots && dice.oneIn(200)) this.#troubles.loseOrFind(source)
      }
  }

  async #step(): Promise<void> {
    const { clock, dice, world } = this.#run
    const { losesRoots, hasOwnFiles } = world.scenario
    clock.advance(dice.below(40))
    const steps: readonly [number, () => void | Promise<void>][] = [
      [10, () => this.#people.operate(dice.oneOf(world.sources), '')],
      [5, () => this.#traffic.detect()],
      [5, () => this.#traffic.transfer()],
      [3, () => this.#traffic.hear()],
      [1, () => this.#troubles.crashTarget()],
      [1, () => this.#troubles.crashSource()],
      [1, () => this.#troubles.fill()],
      [1, () => this.#people.answer()],
      [1, () => this.#people.changePolicy()],
      [losesRoots ? 2 : 0, () => this.#troubles.loseAnyRoot()],
      [hasOwnFiles ? 1 : 0, () => this.#troubles.putOwnFile(dice.oneOf(world.targets))],
    ]
    let throwOf = dice.below(steps.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, step] of steps) {
      if (throwOf < weight) return step()
      throwOf -= weight
    }
  }

  #check(): string[] {
    const { met, world } = this.#run
    met.look(world)
    const problems = [...violations(world), ...this.#stays.check()]
    if (this.#stays.hasHidden) met.add('something is excluded and there')
    return problems
  }
}
