import type { BlockHashes } from '../core/delta/block-hashes.ts'
import { strongHash } from './strong-hash.ts'
import { weakHash } from './weak-hash.ts'

/** What blocks of a changed file are found by. */
export const blockHashes: BlockHashes = { weak: weakHash, strong: strongHash }
