import type { ByteString } from '../base/byte-string.ts'
import { AppError } from '../base/errors.ts'
import {
  PARTIAL_AGE_MAX_MS,
  PARTIAL_BYTES_MAX,
  PARTIAL_BYTES_MIN,
  PARTIAL_FILES_MAX,
} from '../base/limits.ts'
import type { Working } from '../base/working.ts'
import type { Entry, FileState, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { OwnContent, SetHeader } from './inbound.ts'
import { markAfter } from './kept-marks.ts'
import type { ApplyDependencies } from './options.ts'
import { type PartialName, epochKey, partialName, readPartialName } from './partial-name.ts'
import { isRefusal } from './refusal.ts'
import { stagedNames, stagedPath } from './staging.ts'
import type { Hasher } from './target-tree.ts'

type PartialDependencies = Pick<
  ApplyDependencies,
  'tree' | 'staging' | 'createHasher' | 'freeSpace' | 'nowMs' | 'options'
>

/** Content of a large file that lies in staging, from a set that was broken off. */
interface Held extends PartialName {
  readonly name: ByteString
  readonly disk: FileState
  /** By a number of bytes, all of them and those up to each mark: one that has taken so many. Null until it was offered. */
  hashers: ReadonlyMap<number, Hasher> | null
}

/** A file that content goes into: new, or as far as it is here. */
export interface PartialStart {
  readonly path: RelPath
  readonly keptBytes: number
  /** Has taken what is here. */
  readonly hasher: Hasher
}

const READ_BYTES = 1 << 20

/**
 * Large files whose content was broken off. Their names in staging say which version of which path they hold, so nothing
 * else has to remember them; what they hold is proved by the sender, who compares its hash with that of the file he
 * reads. They are kept within bounds of number, bytes and age, until a set that was applied passes their entry.
 */
export class Partials {
  readonly #deps: PartialDependencies
  #held = new Map<ByteString, Held>()

  constructor(deps: PartialDependencies) {
    this.#deps = deps
  }

  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  /** Looks at what a set left behind and chooses what is worth keeping. */
  survey(): void {
    const found = stagedNames(this.#deps).flatMap((name) => this.#look(name) ?? [])
    this.#held = new Map(this.#withinBounds(found).map((held) => [held.name, held]))
  }

  /** Tells whether a name in staging is to be kept. */
  has(name: ByteString): boolean {
    return this.#held.has(name)
  }

  /** Tells what is here of an epoch. Suspends after every stretch that it hashed, because it may be much. */
  *offer(epoch: string): Working<OwnContent[]> {
    const key = epochKey(this.#deps.createHasher, epoch)
    const kept: OwnContent[] = []
    for (const held of this.#held.values()) {
      if (held.epochKey !== key) continue
      held.hashers ??= yield* this.#tryHash(held)
      const bytes = held.disk.size
      const hashAt = (count: number) => held.hashers?.get(count)?.copy().digest() ?? null
      const hash = hashAt(bytes)
      if (hash !== null) kept.push({ seq: held.seq, bytes, hash, hashAt })
    }
    return kept
  }

  /**
   * Where a large file's content goes; null for one that is not worth keeping when it is broken off. Throws PROTOCOL
   * where it is to go on at a place that was not offered.
   */
  start(
    epoch: string,
    entry: Entry & { readonly state: SentState },
    keptBytes: number,
  ): PartialStart | null {
    const { tree, createHasher } = this.#deps
    if (keptBytes === 0 && entry.state.size < PARTIAL_BYTES_MIN) return null
    const name = partialName(createHasher, epoch, entry)
    const path = stagedPath(this.#deps, name)
    const held = this.#held.get(name)
    this.#held.delete(name)
    if (keptBytes === 0) return { path, keptBytes, hasher: createHasher() }
    const hasher = held?.hashers?.get(keptBytes)?.copy() ?? null
    const isHere = held !== undefined && isSame(held.disk, tree.lstat(path))
    if (hasher !== null && isHere) return { path, keptBytes, hasher }
    throw new AppError(
      'PROTOCOL',
      `cannot go on with ${JSON.stringify(entry.path)} at byte ${keptBytes}: that is not here`,
    )
  }

  /** Tells whether a name in staging outlives a set that was applied: its entry comes with a later one. */
  outlives(name: ByteString, { epoch, to }: SetHeader): boolean {
    const held = this.#held.get(name)
    if (held === undefined || held.seq <= to) return false
    return held.epochKey === epochKey(this.#deps.createHasher, epoch)
  }

  /** Forgets what a set that was applied has passed. */
  pass(header: SetHeader): void {
    for (const name of this.#held.keys()) if (!this.outlives(name, header)) this.#held.delete(name)
  }

  #look(name: ByteString): Held | null {
    const parsed = readPartialName(name)
    const disk = parsed === null ? null : this.#deps.tree.lstat(stagedPath(this.#deps, name))
    if (parsed === null || disk?.type !== 'file' || disk.size === 0) return null
    return { ...parsed, name, disk, hashers: null }
  }

  /** The newest first; none where the file system is too full already. */
  #withinBounds(found: readonly Held[]): Held[] {
    if (found.length === 0 || this.#isFull()) return []
    const oldestNs = BigInt(Math.trunc(this.#deps.nowMs() - PARTIAL_AGE_MAX_MS)) * 1_000_000n
    let bytes = 0
    return found
      .filter(({ disk }) => disk.ctimeNs >= oldestNs)
      .toSorted((one, other) => (one.disk.ctimeNs > other.disk.ctimeNs ? -1 : 1))
      .slice(0, PARTIAL_FILES_MAX)
      .filter(({ disk }) => (bytes += disk.size) <= PARTIAL_BYTES_MAX)
  }

  #isFull(): boolean {
    const { freeBytes, totalBytes } = this.#deps.freeSpace()
    return freeBytes * 100 < totalBytes * this.#deps.options.minFreePercent
  }

  /** A file that cannot be read is simply not offered. */
  *#tryHash(held: Held): Working<Held['hashers']> {
    try {
      return yield* this.#hash(held)
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      return null
    }
  }

  /** Null where the file is not what it was. */
  *#hash(held: Held): Working<Held['hashers']> {
    const handle = this.#deps.tree.open(stagedPath(this.#deps, held.name))
    if (handle === null) return null
    try {
      const { size } = held.disk
      const hashers = new Map<number, Hasher>()
      const hasher = this.#deps.createHasher()
      const buffer = new Uint8Array(Math.min(READ_BYTES, size))
      for (let position = 0; position < size;) {
        const markAt = markAfter(position)
        const read = handle.read(buffer.subarray(0, markAt - position), position)
        if (read === 0) return null
        hasher.update(buffer.subarray(0, read))
        position += read
        if (position === markAt || position === size) hashers.set(position, hasher.copy())
        yield
      }
      return isSame(held.disk, handle.stat()) ? hashers : null
    } finally {
      handle.close()
    }
  }
}

function isSame(one: FileState, other: FileState | null): boolean {
  return (
    other !== null &&
    one.inode === other.inode &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  )
}
