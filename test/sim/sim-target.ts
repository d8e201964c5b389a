import { RootTurns } from '../../src/cas/apply/root-turns.ts'
import type { OutboundSource } from '../../src/core/apply/outbound.ts'
import { AppError } from '../../src/core/base/errors.ts'
import { type RelPath, ROOT, parent } from '../../src/core/path/rel-path.ts'
import { Crash, Fuse, FusedIndex } from '../fakes/fuse.ts'
import { MemoryDisk } from '../fakes/memory-disk.ts'
import type { MemoryIndex } from '../fakes/memory-index.ts'
import { MemoryTree, treeError } from '../fakes/memory-tree.ts'
import { overMemory } from '../fakes/memory-wire.ts'
import type { SimClock } from './clock.ts'
import type { Dice } from './dice.ts'
import type { NameKeeping, Scenario, View } from './scenario.ts'
import { type BindingPlace, SimBinding } from './sim-binding.ts'
import { type Loss, SimRoot } from './sim-root.ts'

export interface SimTargetOptions {
  readonly name: string
  readonly clock: SimClock
  readonly names: NameKeeping
  readonly scenario: Scenario
  readonly isMountPoint: boolean
}

/** One instruction: what a source has up to a seq goes into its binding. */
export interface Job {
  readonly binding: SimBinding
  readonly source: OutboundSource
  readonly to: number
  /** Happens between any two steps of the sender. */
  readonly meanwhile: () => void
}

/** One target: a disk, and for each source an index and the real machine that receives. */
export class SimTarget {
  readonly name: string
  readonly names: NameKeeping
  readonly disk: MemoryDisk
  readonly tree: MemoryTree
  readonly root: SimRoot
  readonly bindings: readonly SimBinding[]
  /** Content by path of what was put there by nobody who sends. */
  readonly ownFiles = new Map<RelPath, string>()
  /** Content does not fit any more; names do. */
  isFull = false
  readonly #fuse = new Fuse()
  readonly #scenario: Scenario
  #view: View
  #turns = new RootTurns()
  #jobs = 0

  constructor({ name, clock, names, scenario, isMountPoint }: SimTargetOptions) {
    this.name = name
    this.names = names
    this.#scenario = scenario
    this.#view = scenario.views[0]
    this.disk = new MemoryDisk(() => clock.stampNs())
    this.tree = new MemoryTree(this.disk, (call, path, bytes) => {
      this.#fuse.burn()
      if (this.isFull && (call === 'copy' || bytes > 0)) throw treeError('NO_SPACE', call, path)
    })
    if (names === 'few') this.tree.namesMax = 2
    this.root = new SimRoot(clock, this.tree, isMountPoint)
    const all = new Map<string, MemoryIndex>()
    this.bindings = Array.from({ length: scenario.sourceCount }, (_, order) => {
      const bindingId = `${name}-${order + 1}`
      return new SimBinding(bindingId, order, new FusedIndex(this.#fuse, bindingId, all))
    })
  }

  /** What the policy is about, as far as it was heard here. */
  get view(): View {
    return this.#view
  }

  get deleteExcluded(): boolean {
    return this.#view.config.filter.deleteExcluded
  }

  /** Jobs that are under way here. */
  get jobCount(): number {
    return this.#jobs
  }

  /**
   * Runs one job over a wire that may be lost at any frame, in a process that may die at any call. Gives what became of
   * it, for a trace. In the middle of it jobs of other sources may be run.
   */
  receive(job: Job, dice: Dice): string {
    if (this.jobCount > 0) return this.#run(job, dice)
    if (dice.oneIn(4)) this.#fuse.light(dice.below(dice.oneIn(2) ? 12 : 50))
    try {
      return this.#run(job, dice)
    } catch (thrown) {
      if (!(thrown instanceof Crash)) throw thrown
      this.crash(dice)
      return `broken off: ${String(thrown)}`
    } finally {
      this.#fuse.putOut()
    }
  }

  /** Something becomes of the root; nobody here is told. */
  lose(loss: Loss): void {
    this.root.lose(loss)
  }

  /** Puts a file where nothing is or comes, as somebody else on this host does; false where that is not possible. */
  putOwnFile(path: RelPath): boolean {
    const folder = parent(path) ?? ROOT
    const before = this.tree.lstat(folder)
    const isSent = this.bindings.some(
      ({ index }) => index.get(path) !== null || index.claims().has(path),
    )
    if (this.isFull || isSent || before === null || this.tree.lstat(path) !== null) return false
    const text = `own ${path}`
    const file = this.tree.create(path)
    file.write(Buffer.from(text, 'latin1'))
    file.close()
    this.tree.setMetadata(folder, 'directory', { mode: null, owner: null, mtimeNs: before.mtimeNs })
    this.disk.sync()
    this.ownFiles.set(path, text)
    return true
  }

  /** The process ends, with or without the host, and starts again, perhaps more than once. */
  crash(dice: Dice): void {
    this.#fuse.putOut()
    if (dice.oneIn(2)) {
      const { unsyncedChanges } = this.disk
      const keptChanges = dice.oneIn(2) ? unsyncedChanges : dice.below(unsyncedChanges + 1)
      this.disk.cutPower({ keptChanges, losesContent: dice.oneIn(2) })
    }
    if (dice.oneIn(4)) this.#fuse.light(dice.below(10))
    this.#turns = new RootTurns()
    for (const binding of this.bindings) binding.close()
    this.#openAll(dice)
  }

  /** Takes what the policy is about from now on, as an agent does: bindings are opened anew. */
  configure(view: View): void {
    this.#view = view
    for (const binding of this.bindings) binding.close()
    this.openAll()
  }

  /** Opens what is not open; a root that is lost is tried again. */
  openAll(): void {
    for (const binding of this.bindings) this.#reopen(binding)
  }

  #openAll(dice: Dice): void {
    try {
      this.openAll()
    } catch (thrown) {
      if (!(thrown instanceof Crash)) throw thrown
      this.crash(dice)
    } finally {
      this.#fuse.putOut()
    }
  }

  /** A root that is not there or another is no reason to end. */
  #reopen(binding: SimBinding): void {
    try {
      binding.open(this.#place)
    } catch (thrown) {
      if (!isRootError(thrown)) throw thrown
    }
  }

  #run({ binding, source, to, meanwhile }: Job, dice: Dice): string {
    const { setEntriesMax } = this.#scenario
    const loss = dice.oneIn(6) ? { loseAt: dice.below(setEntriesMax < 10 ? 60 : 20) } : {}
    this.#jobs++
    try {
      const inbound = binding.open(this.#place)
      const run = {
        source,
        binding: inbound,
        to,
        onStep: meanwhile,
        idleTurnsMax: 50,
        setEntriesMax,
        ...loss,
      }
      const { outcome, refusal } = overMemory(run)
      if (refusal !== null) throw new Error(`the target refused: ${refusal.message}`)
      return outcome === 'lost' ? 'lost' : JSON.stringify(outcome)
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown
      binding.close()
      this.#reopen(binding)
      return `broken off: ${String(thrown)}`
    } finally {
      this.#jobs--
    }
  }

  get #place(): BindingPlace {
    const { conflict } = this.#scenario
    const { root, bindings } = this
    return {
      root,
      conflict,
      turns: this.#turns,
      filter: this.#view.filter,
      siblings: bindings,
      options: {
        deletes: 'mirror',
        deleteExcluded: this.deleteExcluded,
        firstContact: 'hold',
        owner: 'id',
        mode: true,
        xattrs: true,
        acls: true,
        hardLinks: this.names !== 'apart',
        sparse: true,
        minFreePercent: 0,
      },
    }
  }
}

function isRootError(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code.startsWith('ROOT_')
}
