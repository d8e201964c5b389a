import { GuardedBinding } from '../../src/cas/apply/guarded-binding.ts'
import {
  type RootMemory,
  checkRoot,
  learnRoot,
  sharedMemory,
} from '../../src/cas/apply/root-guard.ts'
import type { RootTurns } from '../../src/cas/apply/root-turns.ts'
import { ApplyBinding } from '../../src/core/apply/inbound-binding.ts'
import type { InboundBinding } from '../../src/core/apply/inbound.ts'
import type { ApplyOptions } from '../../src/core/apply/options.ts'
import { type Sibling, siblingsOf } from '../../src/core/apply/siblings.ts'
import { stagingFolder } from '../../src/core/apply/staging.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import type { KnownRoot } from '../../src/core/change/known-root.ts'
import type { Filter } from '../../src/core/filter/filter.ts'
import { createHasher } from '../../src/platform/hash.ts'
import type { FusedIndex } from '../fakes/fuse.ts'
import type { MemoryTree } from '../fakes/memory-tree.ts'
import type { Scenario } from './scenario.ts'
import type { SimRoot } from './sim-root.ts'

const PLENTY = 1 << 30
const PATH = '/target'

/** What the bindings of one target share. */
export interface BindingPlace {
  readonly root: SimRoot
  readonly turns: RootTurns
  readonly conflict: Scenario['conflict']
  readonly options: ApplyOptions
  readonly filter: Filter
  readonly siblings: readonly SimBinding[]
}

/** By which one source comes to a target: its index, and the real machine that receives while it is open. */
export class SimBinding implements Sibling, RootMemory {
  readonly bindingId: string
  readonly order: number
  readonly index: FusedIndex
  #knownRoot: KnownRoot | null = null
  #open: InboundBinding | null = null

  constructor(bindingId: string, order: number, index: FusedIndex) {
    this.bindingId = bindingId
    this.order = order
    this.index = index
  }

  /** How much of what is pending may be tried again, as far as anyone can tell. */
  get pendingCount(): number {
    return (this.#open?.position() ?? { pending: this.index.pending() }).pending.length
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  /** The root that was written into so far. */
  root(): KnownRoot | null {
    return this.#knownRoot
  }

  keepRoot(root: KnownRoot): void {
    this.#knownRoot = root
  }

  close(): void {
    this.#open = null
  }

  /** Opens it, if it is not, and ends what was left behind. Throws ROOT_MISSING, ROOT_CHANGED. */
  open(place: BindingPlace): InboundBinding {
    this.#open ??= this.#opened(place, place.root.open())
    return this.#open
  }

  #opened(place: BindingPlace, tree: MemoryTree): InboundBinding {
    const guarded = { identity: () => place.root.identityOf(tree) }
    const memory = sharedMemory(this, place.siblings)
    checkRoot(guarded, memory, PATH)
    const inner = this.#applying(place, tree)
    inner.recover()
    inner.reconsider()
    return new GuardedBinding(inner, {
      check: () => checkRoot(guarded, memory, PATH),
      learn: () => learnRoot(guarded, this),
      takeTurn: (holder) => place.turns.take(PATH, holder),
      endTurn: (holder) => place.turns.end(PATH, holder),
    })
  }

  #applying({ conflict, options, filter, siblings }: BindingPlace, tree: MemoryTree) {
    const others = siblings.filter((one) => one !== this)
    return new ApplyBinding({
      tree,
      index: this.index,
      options,
      siblings: siblingsOf({ order: this.order, conflict }, others),
      bindingId: this.bindingId,
      staging: stagingFolder(fromText(`s${this.order}`) as ByteString),
      createHasher,
      freeSpace: () => ({ freeBytes: PLENTY, totalBytes: PLENTY }),
      nowMs: () => 0,
      accounts: () => ({ uidOf: () => null, gidOf: () => null }),
      isVisible: (path, isDirectory) => filter.letsThrough(path, isDirectory ? 'folder' : 'leaf'),
      notice: () => undefined,
    })
  }
}
