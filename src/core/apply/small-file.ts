import type { ContentHash, SentState } from '../change/entry.ts'
import { type RelPath, ROOT } from '../path/rel-path.ts'
import type { StagedFile } from './incoming-file.ts'
import { NOTHING_LACKS } from './notes.ts'
import { isRefusal } from './refusal.ts'
import type { Work } from './work.ts'

/** The whole content of a small file. */
export interface SmallContent {
  /** Where it is to lie, if nothing lies there. */
  readonly path: RelPath | null
  readonly state: SentState
  readonly bytes: Uint8Array
  readonly hash: ContentHash
}

/** Puts a small file complete into staging; what the disk refuses makes its entry pending and nothing else. */
export function stageSmall(
  { tree, staging, folders, metadata }: Pick<Work, 'tree' | 'staging' | 'folders' | 'metadata'>,
  { path: place, state, bytes, hash }: SmallContent,
): StagedFile {
  const size = bytes.length
  try {
    const path = (place === null ? null : folders.newPath(place)) ?? staging.newPath()
    metadata.createNew(state, staging.owner, (given) => tree.createWhole(path, bytes, given))
    return { path, hash, size, failure: null, notes: NOTHING_LACKS }
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    const { code, message } = thrown
    return { path: ROOT, hash, size, failure: { code, message }, notes: NOTHING_LACKS }
  }
}
