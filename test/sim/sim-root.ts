import type { ReadTree, RootIdentity } from '../../src/core/apply/target-tree.ts'
import { fromText } from '../../src/core/base/byte-string.ts'
import { AppError } from '../../src/core/base/errors.ts'
import { type RelPath, ROOT, child } from '../../src/core/path/rel-path.ts'
import { MemoryDisk, find } from '../fakes/memory-disk.ts'
import { MemoryTree, walk } from '../fakes/memory-tree.ts'
import type { SimClock } from './clock.ts'
import { textOf } from './history.ts'

export const LOSSES = ['missing', 'replaced', 'mountedOver'] as const
export type Loss = (typeof LOSSES)[number]

/** What lies in another folder that has taken a root's place. */
const STRANGE_NAMES = ['a', 'b', 'strange'] as const

/** The path of a root. What lies there may be lost for a while: nothing is there then, or another folder. */
export class SimRoot {
  readonly #clock: SimClock
  readonly #known: MemoryTree
  readonly #isMountPoint: boolean
  #loss: Loss | null = null
  #strange: MemoryTree | null = null

  constructor(clock: SimClock, known: MemoryTree, isMountPoint: boolean) {
    this.#clock = clock
    this.#known = known
    this.#isMountPoint = isMountPoint
  }

  get loss(): Loss | null {
    return this.#loss
  }

  lose(loss: Loss): void {
    this.#loss = loss
    // Made at another time than the known one: that tells them apart.
    this.#clock.advance(10)
    this.#strange = loss === 'missing' ? null : strangeTree(this.#clock, loss)
  }

  comeBack(): void {
    this.#loss = null
    this.#strange = null
  }

  /** Opens what lies there; throws ROOT_MISSING. */
  open(): MemoryTree {
    return this.#named('open')
  }

  /** What a tree that was opened at some time says of itself; throws ROOT_MISSING, ROOT_CHANGED. */
  identityOf(opened: ReadTree): RootIdentity {
    const named = this.#named('use')
    if (named !== opened) throw new AppError('ROOT_CHANGED', 'cannot use the root: it is another')
    const isOver = this.#loss === 'mountedOver'
    return { ...named.identity(), isMountPoint: this.#isMountPoint !== isOver }
  }

  /** Says what of the folder that has taken the root's place is not as it was; null where all is. */
  touchedStranger(): string | null {
    if (this.#strange === null || this.#loss === null) return null
    const untouched = look(strangeTree(this.#clock, this.#loss))
    const now = look(this.#strange)
    return now === untouched ? null : `something was written into another folder: ${now}`
  }

  #named(what: string): MemoryTree {
    const named = this.#loss === null ? this.#known : this.#strange
    if (named === null) throw new AppError('ROOT_MISSING', `cannot ${what} the root: it is gone`)
    return named
  }
}

function strangeTree(clock: SimClock, loss: Loss): MemoryTree {
  const tree = new MemoryTree(new MemoryDisk(() => clock.stampNs()))
  for (const name of loss === 'replaced' ? STRANGE_NAMES : []) {
    const file = tree.create(child(ROOT, fromText(name)))
    file.write(Buffer.from('of another folder'))
    file.close()
  }
  return tree
}

function look(tree: MemoryTree): string {
  const line = (path: RelPath) => `${path} ${textOf(find(tree.disk.world, path)?.content ?? EMPTY)}`
  return [...walk(tree, ROOT)].map(line).join(', ')
}

const EMPTY = new Uint8Array()
