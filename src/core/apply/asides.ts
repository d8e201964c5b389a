import { type ByteString, fromText, toBytes } from '../base/byte-string.ts'
import { type RelPath, basename, child } from '../path/rel-path.ts'
import type { ApplyDependencies } from './options.ts'
import { isRefusal } from './refusal.ts'
import { STAGING, stagingFolder } from './staging.ts'

/** Where versions lie that others went before. Nothing depends on it: each is still at its source. */
const ASIDES = stagingFolder('conflicts' as ByteString)
/** Leaves room in a name for what stands before it. */
const NAME_BYTES_MAX = 200
const BINDING_KEY_LENGTH = 12
const PATH_KEY_LENGTH = 20

type AsidesDependencies = Pick<ApplyDependencies, 'tree' | 'createHasher' | 'notice'>

/**
 * Versions of paths of which another source's version lies in the tree: one each of a binding and path, for people to
 * look at. A name begins with what tells the binding, then the path, and ends with the name that the file has.
 */
export class Asides {
  readonly #deps: AsidesDependencies
  #names: Set<ByteString> | null = null

  constructor(deps: AsidesDependencies) {
    this.#deps = deps
  }

  /** Brings a version here by `bring`, which gets the free path for it. What was kept before goes. */
  keep(bindingId: string, path: RelPath, bring: (to: RelPath) => void): void {
    this.attempt(path, () => {
      const { tree } = this.#deps
      const name = this.#name(bindingId, path)
      const to = child(ASIDES, name)
      if (tree.lstat(ASIDES) === null) this.#makeFolder()
      tree.unlink(to)
      bring(to)
      this.#known().add(name)
    })
  }

  /** Removes what is kept of a path. */
  drop(bindingId: string, path: RelPath): void {
    const names = this.#known()
    if (names.size === 0) return
    const name = this.#name(bindingId, path)
    if (names.has(name)) this.attempt(path, () => this.#remove(name))
  }

  /** Removes what is kept of a binding for other paths than these: sets that never ended kept it, and none came after. */
  tidy(bindingId: string, paths: Iterable<RelPath>): void {
    const names = this.#known()
    if (names.size === 0) return
    const wanted = new Set([...paths].map((path) => this.#name(bindingId, path)))
    const own = this.#key(bindingId)
    const left = [...names].filter((name) => name.startsWith(own) && !wanted.has(name))
    for (const name of left) this.attempt(child(ASIDES, name), () => this.#remove(name))
  }

  #remove(name: ByteString): void {
    const names = this.#known()
    names.delete(name)
    this.#deps.tree.unlink(child(ASIDES, name))
    if (names.size === 0) this.#deps.tree.removeDirectory(ASIDES)
  }

  #known(): Set<ByteString> {
    this.#names ??= new Set(this.#deps.tree.list(ASIDES))
    return this.#names
  }

  #makeFolder(): void {
    const { tree } = this.#deps
    for (const folder of [STAGING, ASIDES])
      if (tree.lstat(folder) === null) tree.makeDirectory(folder, 0o700)
  }

  #name(bindingId: string, path: RelPath): ByteString {
    const hasher = this.#deps.createHasher()
    hasher.update(toBytes(path))
    const key = this.#key(bindingId) + hasher.digest().slice(0, PATH_KEY_LENGTH)
    return `${key}-${basename(path).slice(0, NAME_BYTES_MAX)}` as ByteString
  }

  #key(bindingId: string): string {
    const hasher = this.#deps.createHasher()
    hasher.update(toBytes(fromText(bindingId)))
    return hasher.digest().slice(0, BINDING_KEY_LENGTH)
  }

  /** Does something for what is kept of a path; what the world refuses is said, and no reason to stop. */
  attempt(path: RelPath, work: () => void): void {
    try {
      work()
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      this.#deps.notice(`cannot keep another version of ${JSON.stringify(path)}: ${thrown.message}`)
    }
  }
}
