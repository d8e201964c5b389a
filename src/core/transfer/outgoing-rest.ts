import type { KeptContent } from '../apply/inbound.ts'
import type { OutboundRow } from '../apply/outbound.ts'
import type { Hasher } from '../apply/target-tree.ts'
import type { ContentHash } from '../change/entry.ts'
import { readSteps } from './file-reading.ts'
import type { ContentPorts } from './outgoing-content.ts'
import { BUSY, type Steps, send } from './sender-ports.ts'

interface BrokenOff {
  readonly row: OutboundRow
  readonly index: number
  readonly kept: KeptContent
}

/**
 * Sends a large file from where its last transfer was broken off, if what the target kept is what the file begins with:
 * that part is only read and hashed. False where it is not; nothing was sent then.
 */
export function* sendRest(ports: ContentPorts, { row, index, kept }: BrokenOff): Steps<boolean> {
  if (kept.bytes > (row.fingerprint?.size ?? 0)) return false
  const seam = new Seam(ports.reading.newHasher(), kept)
  const reading = { ...ports.reading, newHasher: () => seam }
  const steps = readSteps(reading, row, (chunk) => {
    const rest = seam.behind(chunk)
    if (rest.length === 0) return BUSY
    return send({ type: 'fileData', block: ports.codec.compress(ports.compression, rest) })
  })
  let hasBegun = false
  for (;;) {
    const turn = steps.next()
    if (seam.state === 'differs') {
      steps.return({ kind: 'changed' })
      return false
    }
    if (seam.state === 'alike' && !hasBegun) {
      hasBegun = true
      yield send({ type: 'fileRest', index, keptBytes: kept.bytes })
    }
    if (turn.done !== true) {
      yield turn.value
      continue
    }
    const whole = ports.findings.sent(index, row, turn.value)
    if (hasBegun) yield send({ type: 'fileEnd', whole })
    return true
  }
}

/** Hashes a file and stops over the place up to which the target has it. */
class Seam implements Hasher {
  readonly #hasher: Hasher
  readonly #kept: KeptContent
  #position = 0
  state: 'before' | 'alike' | 'differs' = 'before'

  constructor(hasher: Hasher, kept: KeptContent) {
    this.#hasher = hasher
    this.#kept = kept
  }

  update(bytes: Uint8Array): void {
    const beforeBytes = Math.min(bytes.length, Math.max(0, this.#kept.bytes - this.#position))
    this.#hasher.update(bytes.subarray(0, beforeBytes))
    this.#position += bytes.length
    if (this.state === 'before' && this.#position >= this.#kept.bytes)
      this.state = this.#hasher.copy().digest() === this.#kept.hash ? 'alike' : 'differs'
    this.#hasher.update(bytes.subarray(beforeBytes))
  }

  /** The part of the chunk taken last that the target does not have. */
  behind(chunk: Uint8Array): Uint8Array {
    const behindBytes = Math.max(0, this.#position - this.#kept.bytes)
    return chunk.subarray(Math.max(0, chunk.length - behindBytes))
  }

  copy(): Hasher {
    return this.#hasher.copy()
  }

  digest(): ContentHash {
    return this.#hasher.digest()
  }
}
