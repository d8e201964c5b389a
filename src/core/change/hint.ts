import type { RelPath } from '../path/rel-path.ts'

/**
 * What a watcher says of a path. `closed`: closed after writing. A rename gives `movedFrom` and `movedTo` with the same
 * cookie where the watcher knows both ends.
 */
export type HintKind =
  | 'created'
  | 'changed'
  | 'closed'
  | 'movedFrom'
  | 'movedTo'
  | 'removed'
  | 'attributes'

/** That something happened at a path, in time or late, once or often: the disk is the truth, the hint is only where. */
export interface Hint {
  readonly path: RelPath
  readonly kind: HintKind
  /** Pairs the two ends of a rename; null where the watcher cannot tell. */
  readonly cookie: number | null
  /** Null where the watcher cannot tell. */
  readonly isDirectory: boolean | null
}
