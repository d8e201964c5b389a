import type { ByteString } from '../base/byte-string.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { LookAt } from './pairing.ts'

/** The source's folder as detection sees it. `unreadable` where nobody can tell what is there. */
export interface DiskView {
  readonly look: LookAt
  /** Names in a folder in any order; null where it is gone or no folder. */
  list(folder: RelPath): readonly ByteString[] | null | 'unreadable'
}
