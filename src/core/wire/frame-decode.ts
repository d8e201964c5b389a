import type { z } from 'zod'

import { fromBytes, toText } from '../base/byte-string.ts'
import { ERRORS, type ErrorCode } from '../base/errors.ts'
import { FRAME_BYTES_MAX, SET_ENTRIES_MAX } from '../base/limits.ts'
import type { Result } from '../base/result.ts'
import type { ContentHash } from '../change/entry.ts'
import { type ByteReader, Malformed, parseBytes } from './byte-reader.ts'
import * as message from './frame-messages.ts'
import { BLOCK_COMPRESSIONS, FRAME_TYPES, SET_KINDS } from './frame-numbers.ts'
import type { RawFrame } from './frame-stream.ts'
import type { Block, Frame, SetBegin, SetEnd } from './frame.ts'
import { readPatchFrame } from './patch-frames.ts'
import { readTunnelFrame } from './tunnel-frames.ts'

const SIGNATURE_BYTES_MAX = 256

/** Gives a peer's frame as a value; whatever is wrong with it becomes PROTOCOL. Blocks alone stay views of the bytes. */
export function decodeFrame(raw: RawFrame): Result<Frame> {
  return parseBytes(`frame ${raw.type}`, raw.payload, (reader) => readFrame(raw.type, reader))
}

function readFrame(number: number, reader: ByteReader): Frame {
  const type = FRAME_TYPES[number]
  if (type === undefined) throw new Malformed('an unknown type')
  switch (type) {
    case 'hello':
      return { type, hello: readJson(reader, message.helloMessage) }
    case 'open':
      return { type, open: readJson(reader, message.openMessage) }
    case 'opened':
      return { type, opened: readJson(reader, message.openedMessage) }
    case 'setBegin':
      return { type, begin: readSetBegin(reader) }
    case 'entries':
    case 'pack':
    case 'fileData':
      return { type, block: readBlock(reader) }
    case 'wanted':
      return { type, wanted: readFlags(reader) }
    case 'fileBegin':
      return { type, index: reader.count(SET_ENTRIES_MAX - 1) }
    case 'fileRest':
      return { type, index: reader.count(SET_ENTRIES_MAX - 1), keptBytes: reader.count() }
    case 'fileEnd':
      return { type, whole: reader.count(1) === 1 }
    case 'setEnd':
      return { type, end: readSetEnd(reader) }
    case 'setDone':
      return { type, done: readJson(reader, message.doneMessage) }
    case 'jobEnd':
    case 'alive':
      return { type }
    case 'error':
      return { type, error: readJson(reader, message.errorMessage) }
    case 'bases':
    case 'signatureWanted':
    case 'signature':
    case 'patchBegin':
    case 'fileCopy':
    case 'patchEnd':
    case 'patchDone':
      return readPatchFrame(type, reader)
    case 'await':
    case 'dial':
    case 'tunnel':
    case 'tunnelBytes':
      return readTunnelFrame(type, reader)
  }
}

function readJson<T>(reader: ByteReader, schema: z.ZodType<T>): T {
  const { text, exact } = toText(fromBytes(reader.rest()))
  if (!exact) throw new Malformed('text that is not UTF-8')
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Malformed(`${issue?.path.join('.')}: ${issue?.message}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Malformed('invalid JSON')
  }
}

function readBlock(reader: ByteReader): Block {
  const compression = BLOCK_COMPRESSIONS[reader.u8()]
  if (compression === undefined) throw new Malformed('an unknown compression')
  const plainBytes = reader.u32()
  if (plainBytes > FRAME_BYTES_MAX) throw new Malformed(`a block of ${plainBytes} plain bytes`)
  if (compression === 'none' && plainBytes !== reader.left)
    throw new Malformed('a plain block of another length than it says')
  return { compression, plainBytes, bytes: reader.rest() }
}

function readSetBegin(reader: ByteReader): SetBegin {
  const from = reader.count()
  const to = reader.count()
  const kind = SET_KINDS[reader.u8()]
  if (kind === undefined) throw new Malformed('an unknown kind of set')
  if (to < from) throw new Malformed(`a set from ${from} to ${to}`)
  return { from, to, kind, last: reader.count(1) === 1, entryCount: reader.count(SET_ENTRIES_MAX) }
}

function readFlags(reader: ByteReader): boolean[] {
  const length = reader.count(SET_ENTRIES_MAX)
  const bytes = reader.raw(Math.ceil(length / 8))
  return Array.from({ length }, (_, index) => (((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) === 1)
}

function readSetEnd(reader: ByteReader): SetEnd {
  const lateHashes = new Map<number, ContentHash>()
  const lateCount = reader.count(SET_ENTRIES_MAX)
  for (let late = 0, previous = -1; late < lateCount; late++) {
    previous = readRising(reader, previous)
    lateHashes.set(previous, reader.hash())
  }
  const skipped: number[] = []
  const skippedCount = reader.count(SET_ENTRIES_MAX)
  for (let previous = -1; skipped.length < skippedCount;) {
    previous = readRising(reader, previous)
    skipped.push(previous)
  }
  const unavailable = readUnavailable(reader)
  return {
    lateHashes,
    skipped,
    unavailable,
    // Of its own: the end of a set may wait longer than the bytes that it came in are valid.
    signature: reader.raw(reader.count(SIGNATURE_BYTES_MAX)).slice(),
  }
}

function readUnavailable(reader: ByteReader): SetEnd['unavailable'] {
  const unavailable = new Map<number, ErrorCode>()
  const length = reader.count(SET_ENTRIES_MAX)
  for (let previous = -1; unavailable.size < length;) {
    previous = readRising(reader, previous)
    const code = reader.text(64)
    unavailable.set(previous, isErrorCode(code) ? code : 'SOURCE_UNAVAILABLE')
  }
  return unavailable
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}

function readRising(reader: ByteReader, previous: number): number {
  const index = reader.count(SET_ENTRIES_MAX - 1)
  if (index <= previous) throw new Malformed('indexes that do not rise')
  return index
}
