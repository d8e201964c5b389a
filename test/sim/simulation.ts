import { DETECTION_TIMES } from '../../src/cms/detection-limits.ts'
import type { DeletionLimit } from '../../src/core/change/breaker.ts'
import { type RelPath, isBelow } from '../../src/core/path/rel-path.ts'
import { SimClock } from './clock.ts'
import { Dice } from './dice.ts'
import { History, Withheld, differences, violations } from './invariants.ts'
import { SimMaster } from './sim-master.ts'
import { SimSource } from './sim-source.ts'
import { type NameKeeping, SimTarget } from './sim-target.ts'
import { SourceOperations } from './source-operations.ts'

const FIRST_OPERATIONS = 12
const STEPS = 100
const ROUNDS_TO_REST = 60
/** By seed: how many files may leave unasked. */
const LIMITS: readonly (DeletionLimit | null)[] = [
  null,
  { count: 1, percent: null, windowS: 1 },
  { count: 3, percent: null, windowS: 2 },
  { count: null, percent: 30, windowS: 1 },
]
/** By seed, and by target: what becomes of names of one file. */
const NAMES: readonly (readonly NameKeeping[])[] = [
  ['kept', 'kept'],
  ['kept', 'few'],
  ['apart', 'apart'],
]

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
  readonly #source: SimSource
  readonly #master = new SimMaster(this.#clock)
  readonly #targets: readonly SimTarget[]
  readonly #history = new History()
  readonly #stayed: readonly Withheld[]
  #withheld: ReadonlySet<RelPath> = new Set()
  /** What a person saw of a hold, perhaps a while ago. */
  #shown: string | null = null
  readonly #operations: SourceOperations

  constructor(seed: number) {
    this.#dice = new Dice(seed)
    const names = NAMES[seed % NAMES.length] ?? []
    const limit = LIMITS[seed % LIMITS.length] ?? null
    this.#source = new SimSource(this.#clock, limit, !names.includes('apart'))
    this.#targets = names.map(
      (keeping, index) => new SimTarget(`target-${index + 1}`, this.#clock, keeping),
    )
    this.#stayed = this.#targets.map(() => new Withheld())
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
      [1, () => this.#answer()],
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

  /** Somebody looks at what is held, or says what is to become of what he saw. */
  #answer(): void {
    const { journal } = this.#source
    const shown = this.#shown
    if (shown === null || this.#dice.oneIn(3)) {
      this.#shown = journal.hold?.fingerprint ?? null
      return
    }
    const isCurrent = shown === journal.hold?.fingerprint
    const decision = this.#dice.oneIn(2) ? 'release' : 'keep'
    const isTaken = journal.resolveHold(shown, decision)
    this.trace.push(`${decision} what is held: ${isTaken ? 'taken' : 'not what was shown'}`)
    if (isTaken !== isCurrent) throw new Error('an answer was taken for another hold')
    this.#shown = null
  }

  #check(): string[] {
    const before = this.#withheld
    this.#withheld = this.#source.withheld()
    return this.#targets.flatMap((target, index) => [
      ...violations(this.#source, target, this.#history),
      ...(this.#stayed[index]?.check(target, before, this.#withheld) ?? []),
    ])
  }

  /** Everything is whole again, and nobody works any more. */
  async #comeToRest(): Promise<string[]> {
    this.#source.onRead = () => undefined
    const calm = new Dice(0)
    calm.oneIn = () => false
    for (const target of this.#targets) target.isFull = false
    // What was done to a file by a name that was gone before anyone looked is told by nobody: a scan finds it.
    await this.#source.settle()
    if (this.#operations.makesNames) this.#clock.advance(DETECTION_TIMES.rescanMs)
    for (let round = 0; round < ROUNDS_TO_REST; round++) {
      await this.#source.settle()
      this.#master.hearSource(this.#source)
      for (const target of this.#targets) this.#master.hearTarget(target)
      const jobs = this.#master.plan()
      const isDone = jobs.length === 0 || this.#isBlocked()
      if (isDone && !this.#answerTheRest()) return this.#atRest()
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

  /** What all targets lack wants to be where something lies that a person had them keep. */
  #isBlocked(): boolean {
    const { headSeq } = this.#source.journal
    return this.#targets.every(({ index }) => {
      const pending = index.pending()
      const isThere = index.watermark()?.seq === headSeq
      return isThere && pending.every(({ path }) => this.#isOverKept(path))
    })
  }

  #isOverKept(path: RelPath): boolean {
    return [...this.#withheld].some((kept) => isBelow(kept, path))
  }

  /** At the end everything held goes; false where nothing is. */
  #answerTheRest(): boolean {
    const { journal } = this.#source
    const { hold } = journal
    return hold !== null && journal.resolveHold(hold.fingerprint, 'release')
  }

  #atRest(): string[] {
    const pending = this.#targets.flatMap(({ index }) => index.pending().map(({ path }) => path))
    const blocked = pending.filter((path) => this.#isOverKept(path))
    const excused = new Set([...this.#withheld, ...blocked])
    return this.#targets.flatMap((target) =>
      differences(this.#source.tree, target, excused).map((one) => `${target.bindingId}: ${one}`),
    )
  }
}
