import { DeltaDesk } from '../core/transfer/delta-desk.ts'
import { blockHashes } from './block-hashes.ts'

/** Makes the place where an agent's senders share what they compute of changed files. */
export function createDeltaDesk(): DeltaDesk {
  const bits = new Int32Array(1)
  const random = () => crypto.getRandomValues(bits)[0] ?? 0
  return new DeltaDesk({ hashes: blockHashes, random })
}
