import { AppError } from '../base/errors.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { Placing } from './decision.ts'
import type { Note } from './notes.ts'
import { EMPTY_HASH } from './survey.ts'
import { type Prepared, type Work, stagedOf } from './work.ts'

/**
 * Completes in staging whatever a placing needs, with its metadata, before anything in the tree is touched. Folders,
 * further names, and what is moved from its old place need nothing here.
 */
export function prepare(work: Work, placing: Placing): Prepared | null {
  const { content } = placing.verdict
  switch (content.kind) {
    case 'folder':
    case 'wire':
    case 'name':
      return null
    case 'staged':
      return fromStaged(work, placing)
    case 'empty':
      return { ...makeEmpty(work, placing), hash: EMPTY_HASH }
    case 'local':
      return { ...makeCopy(work, placing), hash: content.hash }
    case 'symlink':
    case 'fifo':
      return { ...makeSpecial(work, placing), hash: null }
  }
}

function fromStaged(work: Work, { entry }: Placing): Prepared | null {
  const file = stagedOf(work, entry.seq)
  return file === undefined ? null : { path: file.path, hash: file.hash, notes: file.notes }
}

type Made = Omit<Prepared, 'hash'>

function makeEmpty({ tree, staging, metadata }: Work, { entry }: Placing): Made {
  const path = staging.newPath()
  const handle = tree.create(path)
  try {
    return { path, notes: metadata.applyNew(handle, entry.state).notes }
  } finally {
    handle.close()
  }
}

function makeCopy(work: Work, { entry }: Placing): Made {
  const { tree, staging, local } = work
  const { hash } = entry.state
  const source = hash === null ? null : local.find(hash, entry.from)
  if (source === null) throw contentIsGone(entry.path)
  const path = staging.newPath()
  tree.copy(source.path, path)
  return { path, notes: finish(work, path, entry) }
}

function makeSpecial(work: Work, { entry }: Placing): Made {
  const { tree, staging, metadata } = work
  const path = staging.newPath()
  if (entry.state.linkTarget !== null) tree.makeSymlink(path, entry.state.linkTarget)
  else tree.makeFifo(path, metadata.newMode(entry.state))
  return { path, notes: finish(work, path, entry) }
}

/** Gives what was just made under a path the metadata of its entry; tells what of it this place does not hold. */
export function finish(
  { tree, metadata }: Work,
  path: RelPath,
  entry: Placing['entry'],
): readonly Note[] {
  const disk = tree.lstat(path)
  if (disk === null || disk.size !== (entry.state.type === 'file' ? entry.state.size : 0))
    throw contentIsGone(entry.path)
  return metadata.applyNewPath(path, entry.state, disk).notes
}

/** The content that was here when the set began is here no more. */
export function contentIsGone(path: RelPath): AppError {
  return new AppError(
    'SOURCE_UNAVAILABLE',
    `cannot place ${JSON.stringify(path)}: its content was changed on this host meanwhile`,
  )
}
