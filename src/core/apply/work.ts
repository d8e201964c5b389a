import type { ContentHash } from '../change/entry.ts'
import type { Leaders } from '../change/names.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { Asides } from './asides.ts'
import type { StagedFile } from './incoming-file.ts'
import type { StoredPending } from './index-store.ts'
import type { IndexView } from './index-view.ts'
import type { Ledger } from './ledger.ts'
import type { LocalContent } from './local-content.ts'
import type { MetadataWriter } from './metadata.ts'
import type { Note } from './notes.ts'
import type { ApplyDependencies } from './options.ts'
import type { StagedFolders } from './staged-folders.ts'
import type { Staging } from './staging.ts'
import type { TargetTree } from './target-tree.ts'

/** What the phases of one set work with. */
export interface Work {
  readonly deps: ApplyDependencies
  readonly tree: TargetTree
  readonly view: IndexView
  readonly local: LocalContent
  readonly metadata: MetadataWriter
  readonly staging: Staging
  readonly folders: StagedFolders
  readonly asides: Asides
  readonly ledger: Ledger
  /** What was held when the set began, or answered. */
  readonly held: ReadonlyMap<RelPath, StoredPending>
  /** Under whose seq the content of an entry arrives, where that is not its own. */
  readonly leaders: Leaders
  /** Seqs of entries whose owner is not known here. */
  readonly unknownOwners: ReadonlySet<number>
  /** Claims of sets that never ended. */
  readonly priorClaims: ReadonlySet<RelPath>
  /** Content that arrived, by seq. */
  readonly staged: ReadonlyMap<number, StagedFile>
}

/** Something that lies complete in staging, waiting for its place. */
export interface Prepared {
  readonly path: RelPath
  readonly hash: ContentHash | null
  /** What of its metadata this place does not hold. */
  readonly notes: readonly Note[]
}

/** The content of an entry, where it arrived. */
export function stagedOf({ staged, leaders }: Work, seq: number): StagedFile | undefined {
  return staged.get(leaders.get(seq) ?? seq)
}
