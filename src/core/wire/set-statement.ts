import { fromText } from '../base/byte-string.ts'
import type { ContentHash } from '../change/entry.ts'
import { ByteWriter } from './byte-writer.ts'
import { writeFindings } from './frame-encode.ts'
import { SET_KINDS } from './frame-numbers.ts'
import type { SetBegin, SetFindings } from './frame.ts'

const PREFIX = 'cd-master set 1'

/** Everything that defines one set, whoever delivers it. */
export interface SetStatement {
  readonly sourceId: string
  readonly epoch: string
  readonly begin: SetBegin
  /** SHA-256 of all encoded entries, before compression. */
  readonly entriesHash: ContentHash
  readonly findings: SetFindings
}

/**
 * Gives the bytes that the source's agent signs and every receiver verifies. The prefix keeps the signature from meaning
 * anything elsewhere; every variable part carries its length, so no two sets give the same bytes.
 */
export function setStatement(statement: SetStatement): Uint8Array {
  const { begin } = statement
  const writer = new ByteWriter(1024)
  writer.text(fromText(PREFIX))
  writer.text(fromText(statement.sourceId))
  writer.text(fromText(statement.epoch))
  writer.count(begin.from)
  writer.count(begin.to)
  writer.u8(SET_KINDS.indexOf(begin.kind))
  writer.u8(begin.last ? 1 : 0)
  writer.count(begin.entryCount)
  writer.hash(statement.entriesHash)
  writeFindings(writer, statement.findings)
  return writer.done()
}
