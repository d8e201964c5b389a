import { SimClock } from './clock.ts'
import { Dice } from './dice.ts'
import { History, differences, violations } from './invariants.ts'
import { SimMaster } from './sim-master.ts'
import { SimSource } from './sim-source.ts'
import { SimTarget } from './sim-target.ts'
import { SourceOperations } from './source-operations.ts'

const FIRST_OPERATIONS = 12
const STEPS = 100
const ROUNDS_TO_REST = 60
const TARGETS = 2

export interface SimulationResult {
  readonly seed: number
  /** Empty where everything held. */
  readonly problems: readonly string[]
  readonly trace: readonly string[]
}

/**
 * One run: people work on a source while its hints come late, processes die, hosts lose power, connections break and
 * disks fill; after every step the invariants are checked, and once everything is whole again the trees must be
 * identical. Everything depends on the seed alone.
 */
export async function simulate(seed: number): Promise<SimulationResult> {
  const simulation = new Simulation(seed)
  try {
    const problems = await simulation.run()
    return { seed, problems, trace: simulation.trace }
  } catch (thrown) {
    const problem = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    return { seed, problems: [problem], trace: simulation.trace }
  }
}

class Simulation {
  readonly trace: string[] = []
  readonly #dice: Dice
  readonly #clock = new SimClock()
  readonly #source = new SimSource(this.#clock)
  readonly #master = new SimMaster(this.#clock)
  readonly #targets: readonly SimTarget[]
  readonly #history = new History()
  readonly #operations: SourceOperations

  constructor(seed: number) {
    this.#dice = new Dice(seed)
    this.#targets = Array.from(
      { length: TARGETS },
      (_, index) => new SimTarget(`target-${index + 1}`, this.#clock),
    )
    const { tree } = this.#source
    this.#operations = new SourceOperations(tree, this.#dice, (hint) => this.#source.hint(hint))
    this.#source.onRead = () => {
      if (this.#dice.oneIn(20)) this.#operate('while it is read')
    }
  }

  async run(): Promise<string[]> {
    for (let start = 0; start < FIRST_OPERATIONS; start++) this.#operate('at first')
    for (let step = 0; step < STEPS; step++) {
      await this.#step()
      const problems = this.#check()
      if (problems.length > 0) return problems
    }
    return this.#comeToRest()
  }

  async #step(): Promise<void> {
    this.#clock.advance(this.#dice.below(40))
    const steps: readonly [number, () => void | Promise<void>][] = [
      [10, () => this.#operate('')],
      [5, () => this.#detect()],
      [5, () => this.#transfer()],
      [3, () => this.#hear()],
      [1, () => this.#crashTarget()],
      [1, () => this.#crashSource()],
      [1, () => this.#fill()],
    ]
    let throwOf = this.#dice.below(steps.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, step] of steps) {
      if (throwOf < weight) return step()
      throwOf -= weight
    }
  }

  #operate(when: string): void {
    this.#clock.advance(this.#dice.below(10))
    this.trace.push(`${this.#operations.next()} ${when}`)
    this.#history.note(this.#source.tree)
  }

  async #detect(): Promise<void> {
    this.#source.deliver(this.#dice)
    await this.#source.detect()
    this.trace.push(`detected up to ${this.#source.journal.headSeq}`)
  }

  /** The master hears late, and what it says may be heard twice or be old by then. */
  #transfer(): void {
    for (const job of this.#master.plan()) {
      for (const bindingId of job.bindingIds) {
        const target = this.#targets.find((one) => one.bindingId === bindingId)
        if (target === undefined || this.#dice.oneIn(8)) continue
        this.#receive(target, job.to)
        if (this.#dice.oneIn(8)) this.#receive(target, job.to)
      }
    }
  }

  #receive(target: SimTarget, to: { epoch: string; seq: number }): void {
    if (to.epoch !== this.#source.journal.epoch) return
    const seq = this.#dice.oneIn(3) ? this.#dice.below(to.seq + 1) : to.seq
    const what = target.receive(this.#source.outbound, seq, this.#dice)
    this.trace.push(`${target.bindingId} up to ${seq}: ${what}`)
  }

  #hear(): void {
    if (!this.#dice.oneIn(4)) this.#master.hearSource(this.#source)
    for (const target of this.#targets) if (!this.#dice.oneIn(4)) this.#master.hearTarget(target)
  }

  #crashTarget(): void {
    const target = this.#dice.pick(this.#targets)
    target?.crash(this.#dice)
    this.trace.push(`${target?.bindingId} crashed`)
  }

  #crashSource(): void {
    const kind = this.#dice.oneIn(2) ? 'killed' : 'powerCut'
    this.#source.crash(kind, this.#dice, this.#master.known)
    this.trace.push(`the source crashed: ${kind}`)
    this.#history.note(this.#source.tree)
  }

  #fill(): void {
    const target = this.#dice.pick(this.#targets)
    if (target === null) return
    target.isFull = !target.isFull
    this.trace.push(`${target.bindingId} is ${target.isFull ? 'full' : 'not full'}`)
  }

  #check(): string[] {
    return this.#targets.flatMap((target) => violations(this.#source, target, this.#history))
  }

  /** Everything is whole again, and nobody works any more. */
  async #comeToRest(): Promise<string[]> {
    this.#source.onRead = () => undefined
    const calm = new Dice(0)
    calm.oneIn = () => false
    for (const target of this.#targets) target.isFull = false
    for (let round = 0; round < ROUNDS_TO_REST; round++) {
      await this.#source.settle()
      this.#master.hearSource(this.#source)
      for (const target of this.#targets) this.#master.hearTarget(target)
      const jobs = this.#master.plan()
      if (jobs.length === 0) return this.#atRest()
      for (const { to, bindingIds } of jobs) {
        for (const target of this.#targets.filter((one) => bindingIds.includes(one.bindingId))) {
          const what = target.receive(this.#source.outbound, to.seq, calm)
          this.trace.push(`at rest: ${target.bindingId} up to ${to.seq}: ${what}`)
        }
      }
      const problems = this.#check()
      if (problems.length > 0) return problems
    }
    const pending = this.#targets.flatMap((target) => target.index.pending())
    return [`it does not come to rest; pending: ${JSON.stringify(pending)}`]
  }

  #atRest(): string[] {
    return this.#targets.flatMap((target) =>
      differences(this.#source.tree, target.tree).map((one) => `${target.bindingId}: ${one}`),
    )
  }
}
