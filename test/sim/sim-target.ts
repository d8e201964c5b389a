import { ApplyBinding } from '../../src/core/apply/inbound-binding.ts'
import type { OutboundSource } from '../../src/core/apply/outbound.ts'
import { NO_SIBLINGS } from '../../src/core/apply/siblings.ts'
import { stagingFolder } from '../../src/core/apply/staging.ts'
import type { ByteString } from '../../src/core/base/byte-string.ts'
import { AppError } from '../../src/core/base/errors.ts'
import { createHasher } from '../../src/platform/hash.ts'
import { Crash, Fuse, FusedIndex } from '../fakes/fuse.ts'
import { MemoryDisk } from '../fakes/memory-disk.ts'
import { MemoryTree, treeError } from '../fakes/memory-tree.ts'
import { overMemory } from '../fakes/memory-wire.ts'
import type { SimClock } from './clock.ts'
import type { Dice } from './dice.ts'

const PLENTY = 1 << 30

/** What becomes of names of one file: they are so as well, as far as the file system allows, or files of their own. */
export type NameKeeping = 'kept' | 'few' | 'apart'

/** One target: a disk, an index, and the real machine that receives. */
export class SimTarget {
  readonly bindingId: string
  readonly names: NameKeeping
  readonly disk: MemoryDisk
  readonly tree: MemoryTree
  readonly index: FusedIndex
  /** Content does not fit any more; names do. */
  isFull = false
  readonly #fuse = new Fuse()
  #binding: ApplyBinding

  constructor(bindingId: string, clock: SimClock, names: NameKeeping) {
    this.bindingId = bindingId
    this.names = names
    this.disk = new MemoryDisk(() => clock.stampNs())
    this.tree = new MemoryTree(this.disk, (call, path, bytes) => {
      this.#fuse.burn()
      if (this.isFull && (call === 'copy' || bytes > 0)) throw treeError('NO_SPACE', call, path)
    })
    if (names === 'few') this.tree.namesMax = 2
    this.index = new FusedIndex(this.#fuse)
    this.#binding = this.#open()
  }

  /**
   * Runs one job over a wire that may be lost at any frame, in a process that may die at any call. Gives what became of
   * it, for a trace.
   */
  receive(source: OutboundSource, to: number, dice: Dice): string {
    if (dice.oneIn(4)) this.#fuse.light(dice.below(dice.oneIn(2) ? 12 : 50))
    const loss = dice.oneIn(6) ? { loseAt: dice.below(20) } : {}
    try {
      const { outcome, refusal } = overMemory({ source, binding: this.#binding, to, ...loss })
      if (refusal !== null) throw new Error(`the target refused: ${refusal.message}`)
      return outcome === 'lost' ? 'lost' : JSON.stringify(outcome)
    } catch (thrown) {
      if (thrown instanceof Crash) this.crash(dice)
      else if (thrown instanceof AppError) this.#restart(dice)
      else throw thrown
      return `broken off: ${String(thrown)}`
    } finally {
      this.#fuse.putOut()
    }
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
    this.#restart(dice)
  }

  #restart(dice: Dice): void {
    try {
      this.#binding = this.#open()
      this.#binding.recover()
    } catch (thrown) {
      if (!(thrown instanceof Crash)) throw thrown
      this.crash(dice)
    } finally {
      this.#fuse.putOut()
    }
  }

  #open(): ApplyBinding {
    return new ApplyBinding({
      tree: this.tree,
      index: this.index,
      options: {
        deletes: 'mirror',
        deleteExcluded: false,
        firstContact: 'hold',
        owner: 'id',
        mode: true,
        xattrs: true,
        acls: true,
        hardLinks: this.names !== 'apart',
        sparse: true,
        minFreePercent: 0,
      },
      siblings: NO_SIBLINGS,
      bindingId: 'b',
      staging: stagingFolder('b' as ByteString),
      createHasher,
      freeSpace: () => ({ freeBytes: PLENTY, totalBytes: PLENTY }),
      nowMs: () => 0,
      accounts: () => ({ uidOf: () => null, gidOf: () => null }),
      isVisible: () => true,
      notice: () => undefined,
    })
  }
}
