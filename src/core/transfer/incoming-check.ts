import type { ContentHash, Entry } from '../change/entry.ts'
import type { SetEnd } from '../wire/frame.ts'
import { demand, refuse } from './violation.ts'

/** What came of a set, by index of its entries. */
export interface IncomingContents {
  readonly entries: readonly Entry[]
  readonly wanted: readonly boolean[]
  /** Null for a content that was broken off. */
  readonly received: ReadonlyMap<number, ContentHash | null>
}

/**
 * Checks that every file has a hash, that every wanted content came, and that each is what its hash says; refuses with
 * PROTOCOL or HASH_MISMATCH. What the end leaves out must be a file and needs neither.
 */
export function verifyContents(contents: IncomingContents, end: SetEnd): void {
  const { entries } = contents
  const leftOut = new Set([...end.skipped, ...end.unavailable.keys()])
  demand(
    leftOut.size === end.skipped.length + end.unavailable.size,
    'an entry both skipped and unavailable',
  )
  for (const index of [...leftOut, ...end.lateHashes.keys()])
    demand(isFile(entries[index]), `entry ${index} is no file`)
  for (const index of end.lateHashes.keys())
    demand(entries[index]?.state?.hash === null, `a second hash for entry ${index}`)
  for (const [index, entry] of entries.entries()) {
    if (isFile(entry) && !leftOut.has(index)) verifyContent(contents, index, end)
  }
}

function verifyContent(contents: IncomingContents, index: number, end: SetEnd): void {
  const entry = contents.entries[index]
  const expected = entry?.state?.hash ?? end.lateHashes.get(index)
  demand(expected !== undefined, `no hash for entry ${index}`)
  const received = contents.received.get(index) ?? null
  demand(contents.wanted[index] !== true || received !== null, `no content for entry ${index}`)
  if (received !== null && received !== expected)
    refuse('HASH_MISMATCH', `cannot apply "${entry?.path}": its content is not what its hash says`)
}

function isFile(entry: Entry | undefined): boolean {
  return entry?.state?.type === 'file'
}

/** The late hashes as the binding takes them. */
export function lateHashesBySeq(
  entries: readonly Entry[],
  end: SetEnd,
): ReadonlyMap<number, ContentHash> {
  const bySeq = new Map<number, ContentHash>()
  for (const [index, hash] of end.lateHashes) bySeq.set(entries[index]?.seq ?? 0, hash)
  return bySeq
}
