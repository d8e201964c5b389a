import type { KeptContent } from '../apply/inbound.ts'
import type { OutboundRow } from '../apply/outbound.ts'
import { CONTENT_CHUNK_BYTES, SMALL_FILE_BYTES_MAX } from '../base/limits.ts'
import type { ContentHash, Entry } from '../change/entry.ts'
import { type Leaders, NO_LEADERS, findLeaders } from '../change/names.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { writeEntry } from '../wire/entry-codec.ts'
import type { SetBegin } from '../wire/frame.ts'
import type { Base } from '../wire/patch-frames.ts'
import { setStatement } from '../wire/set-statement.ts'
import type { Reading } from './file-reading.ts'
import { sendContents } from './outgoing-content.ts'
import { hashBefore } from './outgoing-hashes.ts'
import { followersOf, hasOtherNames } from './outgoing-names.ts'
import { type Patching, mayHaveBase, settlePatches } from './outgoing-patch.ts'
import type { PatchMail } from './patch-mail.ts'
import type { PlannedSet } from './planned-sets.ts'
import { type SenderJob, type SenderPorts, type Steps, WAITING, send } from './sender-ports.ts'
import { FindingsCollector } from './set-findings.ts'

export interface OutgoingContext {
  readonly ports: SenderPorts
  readonly job: SenderJob
  readonly reading: Reading
  /** Whether files may be sent unasked that the target cannot hold, as far as the journal tells. */
  readonly content: 'push' | 'ask'
  /** By seq: what the target has of contents that were broken off. */
  readonly kept: ReadonlyMap<number, KeptContent>
  /** The peer's `wanted` for this set, null until it came. */
  takeWanted(): readonly boolean[] | null
  readonly mail: PatchMail
  /** By index: the older versions that it offered with that. */
  takeBases(): ReadonlyMap<number, Base>
}

/**
 * Sends one set: hashes what must be hashed before it is named, then entries, content, and the signed end. What was
 * never hashed is pushed and hashed on the way, and so is what is new and small; everything else waits until the target
 * says what it lacks, so that a rename or a chmod sends no content.
 */
export function* sendSet(context: OutgoingContext, set: PlannedSet): Steps<void> {
  const findings = new FindingsCollector(context.ports.source)
  const rows = yield* hashBefore(context, set.rows, findings)
  const begin = beginOf(set)
  const entriesHash = yield* sendEntries(context, begin, rows)
  const { reading, ports, job, kept } = context
  const parts = { reading, codec: ports.codec, compression: job.compression, findings, kept }
  const content = { ...parts, patching: null }
  const leaders = rows.some(hasOtherNames) ? findLeaders(rows.map(entryOf)) : NO_LEADERS
  if (leaders.size > 0) findings.follow(followersOf(rows, leaders))
  const files = rows.keys().filter((index) => isSent(rows[index], leaders))
  const byHash = Object.groupBy(files, (index) =>
    isPushed(context, begin.kind, rows[index]) ? 'push' : 'ask',
  )
  yield* sendContents(content, rows, byHash.push ?? [])
  const wanted = yield* awaitWanted(context, byHash.ask !== undefined)
  // What has no hash yet must be read in any case: its set ends with one for every file.
  const isDue = (index: number) => wanted[index] === true || isUnhashed(rows[index])
  const patching = patchingOf(context)
  yield* sendContents({ ...content, patching }, rows, byHash.ask?.filter(isDue) ?? [])
  if (patching !== null) yield* sendContents(content, rows, yield* settlePatches(content, patching))
  const found = findings.finish()
  const { sourceId, epoch } = job
  const statement = setStatement({ sourceId, epoch, begin, entriesHash, findings: found })
  yield send({ type: 'setEnd', end: { ...found, signature: ports.sign(statement) } })
}

function entryOf({ entry }: OutboundRow): Entry {
  return entry
}

/** A file's content goes once, whatever its names in this set. */
function isSent(row: OutboundRow | undefined, leaders: Leaders): boolean {
  return row?.entry.state?.type === 'file' && !leaders.has(row.entry.seq)
}

function isUnhashed(row: OutboundRow | undefined): boolean {
  return row?.entry.state?.hash === null
}

/**
 * A file of which the target may hold an older version waits for its word; and so does one whose hash is known, by which
 * the target can tell that it has the content, but for a small new one: the word would take longer than the content. A new
 * name of a file is not a new file.
 */
function isPushed(
  { job, content }: OutgoingContext,
  kind: SetBegin['kind'],
  row: OutboundRow | undefined,
): boolean {
  if (row === undefined) return false
  if (isUnhashed(row)) return !(job.method === 'patch' && mayHaveBase(row))
  const { state, operation, from } = row.entry
  const isNew = kind === 'full' || (operation === 'create' && from === null)
  if (hasOtherNames(row)) return false
  return content === 'push' && isNew && (state?.size ?? 0) <= SMALL_FILE_BYTES_MAX
}

function patchingOf(context: OutgoingContext): Patching | null {
  const { ports, job, mail } = context
  const bases = context.takeBases()
  if (job.method === 'copy' || bases.size === 0) return null
  const newHasher = () => ports.newHasher()
  return { desk: ports.deltas, mail, newHasher, epoch: job.epoch, bases }
}

function beginOf(set: PlannedSet): SetBegin {
  const { from, to, kind, last } = set.header
  return { from, to, kind, last, entryCount: set.rows.length }
}

function* sendEntries(
  context: OutgoingContext,
  begin: SetBegin,
  rows: readonly OutboundRow[],
): Steps<ContentHash> {
  yield send({ type: 'setBegin', begin })
  const { codec } = context.ports
  const hasher = context.ports.newHasher()
  const writer = new ByteWriter()
  let previousSeq = 0
  for (const [index, { entry }] of rows.entries()) {
    writeEntry(writer, entry, previousSeq)
    previousSeq = entry.seq
    if (writer.length < CONTENT_CHUNK_BYTES && index < rows.length - 1) continue
    hasher.update(writer.done())
    const block = codec.compress(context.job.compression, writer.done())
    yield send({ type: 'entries', block })
    writer.clear()
  }
  return hasher.digest()
}

function* awaitWanted(context: OutgoingContext, depends: boolean): Steps<readonly boolean[]> {
  for (;;) {
    const wanted = context.takeWanted()
    if (wanted !== null) return wanted
    if (!depends) return []
    yield WAITING
  }
}
