import { lstatSync, readdirSync } from 'node:fs'

import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import type { AppError } from '../../src/core/base/errors.ts'
import type { Hint } from '../../src/core/change/hint.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import type { WatchSignal, Watcher, WatcherFactory } from '../../src/platform/watcher.ts'

/** Takes a watcher's signals as its contract asks: folders that appear, and folders given up, are listed. */
export class Watched {
  readonly hints: Hint[] = []
  readonly overflows: string[] = []
  readonly errors: AppError[] = []
  /** Paths below the root, as bytes, that the watcher told of or that were found where it sent us. */
  readonly told = new Set<string>()
  readonly #root: string
  #watcher: Watcher | null = null

  constructor(root: string) {
    this.#root = root
  }

  async start(factory: WatcherFactory): Promise<this> {
    this.#watcher = await factory.watch(fromText(this.#root), (signal) => this.#take(signal))
    return this
  }

  get watcher(): Watcher {
    if (this.#watcher === null) throw new Error('not watching')
    return this.#watcher
  }

  forget(): void {
    this.told.clear()
    this.hints.length = 0
  }

  /** Waits until all of these were told; gives the ones that were not within 10 s. */
  async missing(paths: Iterable<string>): Promise<string[]> {
    const wanted = [...paths].map((path) => fromText(path) as string)
    const giveUpMs = performance.now() + 10_000
    for (;;) {
      const missing = wanted.filter((path) => !this.told.has(path))
      if (missing.length === 0 || performance.now() > giveUpMs) return missing
      await Bun.sleep(2)
    }
  }

  #take(signal: WatchSignal): void {
    if (signal.kind === 'failed') {
      this.errors.push(signal.error)
    } else if (signal.kind === 'overflow') {
      this.overflows.push(signal.reason)
      this.watcher.found(this.#list(signal.path))
    } else {
      for (const hint of signal.hints) this.#hint(hint)
    }
  }

  #hint(hint: Hint): void {
    this.hints.push(hint)
    this.told.add(hint.path)
    const appeared = hint.kind === 'created' || hint.kind === 'movedTo'
    if (appeared && hint.isDirectory !== false) this.#list(hint.path)
  }

  /** Takes a path with everything below it; gives the folders that are new, each for those in it. */
  #list(path: ByteString): RelPath[] {
    const isNew = path !== '' && !this.told.has(path)
    this.told.add(path)
    const absolute = Buffer.concat([Buffer.from(`${this.#root}/`), Buffer.from(path, 'latin1')])
    const below = namesIn(absolute).flatMap((name) => {
      const bytes = name.toString('latin1')
      return this.#list((path === '' ? bytes : `${path}/${bytes}`) as ByteString)
    })
    return isNew ? [path as string as RelPath] : below
  }
}

/** None where there is no folder, or none any more. */
function namesIn(path: Buffer): Buffer[] {
  try {
    return lstatSync(path).isDirectory() ? readdirSync(path, { encoding: 'buffer' }) : []
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return []
    throw thrown
  }
}
