import type { Hasher } from '../core/apply/target-tree.ts'
import type { ContentHash } from '../core/change/entry.ts'

/** Starts a SHA-256 over bytes to come. */
export function createHasher(): Hasher {
  return hasherOf(new Bun.CryptoHasher('sha256'))
}

function hasherOf(hasher: Bun.CryptoHasher): Hasher {
  return {
    copy: () => hasherOf(hasher.copy()),
    update: (bytes) => {
      hasher.update(bytes)
    },
    digest: () => hasher.digest('hex') as ContentHash,
  }
}

/** Gives the SHA-256 of bytes. */
export function hashBytes(bytes: Uint8Array): ContentHash {
  return Bun.SHA256.hash(bytes, 'hex') as ContentHash
}
