import type { ByteString } from '../base/byte-string.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { AttributeKinds } from './attributes.ts'
import type { LookAt } from './pairing.ts'

/** The source's folder as detection sees it. `unreadable` where nobody can tell what is there. */
export interface DiskView {
  readonly look: LookAt
  /** What `lookClosely` tells of attributes; null where the policy sends none. */
  readonly kinds: AttributeKinds | null
  /** Looks with the attributes of these kinds. */
  readonly lookClosely: LookAt
  /** Names in a folder in any order; null where it is gone or no folder. */
  list(folder: RelPath): readonly ByteString[] | null | 'unreadable'
}
