import { type RelPath, child, isStaging } from '../path/rel-path.ts'
import type { DiskView } from './disk-view.ts'
import type { FileState } from './entry.ts'

/**
 * A path met on the disk. `unreadable`: nobody can tell what is there or below. `outOfView`: it is not in the view, nor
 * what lies below; told so that whoever walks can rest on the way through what does not concern it.
 */
export type Met = MetInView | { readonly path: RelPath; readonly state: 'outOfView' }

export type MetInView =
  | { readonly path: RelPath; readonly state: FileState }
  | { readonly path: RelPath; readonly state: 'unreadable' }

export interface WalkOptions {
  readonly disk: DiskView
  /** Tells whether a path is in the view; what is not is not entered. */
  readonly isInView: (path: RelPath, state: FileState) => boolean
}

/**
 * Goes through everything below a folder in tree order, the folder itself excluded. What vanishes meanwhile is left
 * out. A folder that cannot be listed is given a second time as unreadable.
 */
export function* walk(folder: RelPath, options: WalkOptions): Generator<Met> {
  const stack = [entering(folder, options)]
  for (;;) {
    const level = stack.at(-1)
    if (level === undefined) return
    const path = level.next()
    if (path === undefined) {
      stack.pop()
      continue
    }
    if (path === 'unreadable') {
      yield { path: level.folder, state: 'unreadable' }
      continue
    }
    const state = options.disk.look(path)
    if (state === null) continue
    if (state === 'unreadable') {
      yield { path, state }
    } else if (options.isInView(path, state)) {
      yield { path, state }
      if (state.type === 'directory') stack.push(entering(path, options))
    } else {
      yield { path, state: 'outOfView' }
    }
  }
}

/** What is left of one folder on the way through it. */
class Level {
  readonly folder: RelPath
  readonly #paths: RelPath[] | 'unreadable'
  #index = 0

  constructor(folder: RelPath, paths: RelPath[] | 'unreadable') {
    this.folder = folder
    this.#paths = paths
  }

  next(): RelPath | 'unreadable' | undefined {
    if (this.#paths !== 'unreadable') return this.#paths[this.#index++]
    return this.#index++ === 0 ? 'unreadable' : undefined
  }
}

function entering(folder: RelPath, { disk }: WalkOptions): Level {
  const names = disk.list(folder)
  if (names === 'unreadable') return new Level(folder, names)
  // Within one folder the byte order of names is tree order.
  const paths = (names ?? []).toSorted().map((name) => child(folder, name))
  return new Level(
    folder,
    paths.filter((path) => !isStaging(path)),
  )
}
