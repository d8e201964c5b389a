import type { OutboundRow } from '../apply/outbound.ts'
import type { ContentHash } from '../change/entry.ts'
import type { BlockHashes } from '../delta/block-hashes.ts'
import type { DeltaSeed } from '../delta/rolling-hash.ts'
import { type Signature, signatureBytes } from '../delta/signature.ts'
import type { Reading } from './file-reading.ts'
import { SharedDelta } from './shared-delta.ts'

/** Signatures that are kept together, in bytes: those of a few hundred GiB in large files. */
const KEPT_BYTES_MAX = 64 << 20
/** Finished deltas that are kept for targets that come later. */
const FINISHED_MAX = 8

export interface DeltaDeskOptions {
  readonly hashes: BlockHashes
  /** Gives 32 random bits. */
  random(): number
}

/** What a delta is between. */
export interface DeltaKey {
  readonly epoch: string
  readonly row: OutboundRow
  readonly signature: Signature
  /** Names the signature: two that are equal have the same name. */
  readonly signatureId: string
}

interface Shared {
  readonly delta: SharedDelta
  users: number
}

/** All senders' deltas of one agent: what was computed for one target serves the others, and the next version. */
export class DeltaDesk {
  readonly hashes: BlockHashes
  readonly seed: DeltaSeed
  readonly #random: () => number
  /** By content, the one used last at the end. */
  readonly #kept = new Map<ContentHash, Signature>()
  #keptBytes = 0
  readonly #shared = new Map<string, Shared>()

  constructor(options: DeltaDeskOptions) {
    this.hashes = options.hashes
    this.#random = () => options.random()
    // One seed for all: equal versions must have equal signatures, whichever target they come from.
    this.seed = { low: options.random(), high: options.random() }
  }

  /** The signature of a version that was sent before, where it is still kept. */
  kept(hash: ContentHash): Signature | null {
    const signature = this.#kept.get(hash)
    if (signature === undefined) return null
    this.#kept.delete(hash)
    this.#kept.set(hash, signature)
    return signature
  }

  /** A random number for one search: whoever made the signature does not know it. */
  salt(): number {
    return this.#random()
  }

  /** Joins the computation of a delta, or begins it; `leave` must follow. */
  join(key: DeltaKey, reading: Reading): { delta: SharedDelta; leave: () => void } {
    const name = nameOf(key)
    const shared = this.#usable(name) ?? this.#begin(name, key, reading)
    shared.users++
    return { delta: shared.delta, leave: () => this.#leave(name, shared) }
  }

  #usable(name: string): Shared | null {
    const shared = this.#shared.get(name)
    return shared === undefined || shared.delta.isBroken ? null : shared
  }

  #begin(name: string, { row, signature }: DeltaKey, reading: Reading): Shared {
    const delta = new SharedDelta({
      reading: { ...reading, buffer: new Uint8Array(reading.buffer.length) },
      row,
      signature,
      hashes: this.hashes,
      salt: this.salt(),
      keep: (hash, next) => this.#keep(hash, next),
    })
    const shared = { delta, users: 0 }
    this.#shared.set(name, shared)
    return shared
  }

  #leave(name: string, shared: Shared): void {
    if (--shared.users > 0) return
    if (shared.delta.outcome?.kind !== 'read') {
      shared.delta.close()
      if (this.#shared.get(name) === shared) this.#shared.delete(name)
      return
    }
    const finished = [...this.#shared].filter(([, one]) => one.users === 0)
    for (const [oldest] of finished.slice(0, -FINISHED_MAX)) this.#shared.delete(oldest)
  }

  #keep(hash: ContentHash, signature: Signature): void {
    const bytes = signatureBytes(signature)
    if (bytes > KEPT_BYTES_MAX) return
    this.#keptBytes += bytes - (this.#drop(hash) ?? 0)
    this.#kept.set(hash, signature)
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) return
      this.#keptBytes -= this.#drop(oldest) ?? 0
    }
  }

  #drop(hash: ContentHash): number | null {
    const signature = this.#kept.get(hash)
    this.#kept.delete(hash)
    return signature === undefined ? null : signatureBytes(signature)
  }
}

function nameOf({ epoch, row, signatureId }: DeltaKey): string {
  const { size, mtimeNs, ctimeNs, inode, device } = row.fingerprint ?? {}
  const { seq, path } = row.entry
  return [epoch, seq, size, mtimeNs, ctimeNs, inode, device, signatureId, path].join('/')
}
