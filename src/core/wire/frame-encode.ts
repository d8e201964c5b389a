import { fromText } from '../base/byte-string.ts'
import { FRAME_BYTES_MAX } from '../base/limits.ts'
import { ByteWriter } from './byte-writer.ts'
import { BLOCK_COMPRESSIONS, FRAME_TYPES, SET_KINDS } from './frame-numbers.ts'
import { type Block, type Frame, type SetBegin, type SetEnd, type SetFindings } from './frame.ts'
import { writePatchFrame } from './patch-frames.ts'
import { writeTunnelFrame } from './tunnel-frames.ts'

/** Content of so many bytes is left where it is: to copy it costs more than to write it by itself. */
const LONG_CONTENT_BYTES = 64 << 10

/** Used for one frame after another: most are small, and there are many. */
const scratch = new ByteWriter()

/** A frame as bytes: `head`, in a buffer of its own, and behind it the content where that was not copied. */
export interface EncodedFrame {
  readonly head: Uint8Array
  readonly content: Uint8Array | null
}

/** Gives a frame as bytes. The frame must be within FRAME_BYTES_MAX. */
export function encodeFrame(frame: Frame): EncodedFrame {
  const block = 'block' in frame && isLong(frame.block) ? frame.block : null
  const writer = scratch
  writer.clear()
  writer.u32(0)
  writer.u8(FRAME_TYPES.indexOf(frame.type))
  if (block === null) writePayload(writer, frame)
  else writeBlockHead(writer, block)
  const content = block?.bytes ?? null
  const length = writer.length - 4 + (content?.length ?? 0)
  if (length > FRAME_BYTES_MAX) throw new Error(`frame "${frame.type}" of ${length} bytes`)
  writer.patchU32(0, length)
  return { head: writer.done().slice(), content }
}

function isLong(block: Block): boolean {
  return block.bytes.length >= LONG_CONTENT_BYTES
}

function writePayload(writer: ByteWriter, frame: Frame): void {
  switch (frame.type) {
    case 'hello':
      return writeJson(writer, frame.hello)
    case 'open':
      return writeJson(writer, frame.open)
    case 'opened':
      return writeJson(writer, frame.opened)
    case 'setBegin':
      return writeSetBegin(writer, frame.begin)
    case 'entries':
    case 'pack':
    case 'fileData':
      return writeBlock(writer, frame.block)
    case 'wanted':
      return writeFlags(writer, frame.wanted)
    case 'fileBegin':
      return writer.count(frame.index)
    case 'fileRest':
      writer.count(frame.index)
      return writer.count(frame.keptBytes)
    case 'fileEnd':
      return writer.u8(frame.whole ? 1 : 0)
    case 'setEnd':
      return writeSetEnd(writer, frame.end)
    case 'setDone':
      return writeJson(writer, frame.done)
    case 'error':
      return writeJson(writer, frame.error)
    case 'jobEnd':
    case 'alive':
      return
    case 'bases':
    case 'signatureWanted':
    case 'signature':
    case 'patchBegin':
    case 'fileCopy':
    case 'patchEnd':
    case 'patchDone':
      return writePatchFrame(writer, frame)
    case 'await':
    case 'dial':
    case 'tunnel':
    case 'tunnelBytes':
      return writeTunnelFrame(writer, frame)
  }
}

function writeJson(writer: ByteWriter, message: object): void {
  const text = fromText(JSON.stringify(message))
  const room = writer.room(text.length)
  for (let index = 0; index < text.length; index++) room[index] = text.charCodeAt(index)
}

function writeBlock(writer: ByteWriter, block: Block): void {
  writeBlockHead(writer, block)
  writer.raw(block.bytes)
}

function writeBlockHead(writer: ByteWriter, block: Block): void {
  writer.u8(BLOCK_COMPRESSIONS.indexOf(block.compression))
  writer.u32(block.plainBytes)
}

function writeSetBegin(writer: ByteWriter, begin: SetBegin): void {
  writer.count(begin.from)
  writer.count(begin.to)
  writer.u8(SET_KINDS.indexOf(begin.kind))
  writer.u8(begin.last ? 1 : 0)
  writer.count(begin.entryCount)
}

function writeFlags(writer: ByteWriter, flags: readonly boolean[]): void {
  writer.count(flags.length)
  const room = writer.room(Math.ceil(flags.length / 8)).fill(0)
  for (const [index, flag] of flags.entries()) {
    if (flag) room[index >> 3] = (room[index >> 3] ?? 0) | (1 << (index & 7))
  }
}

function writeSetEnd(writer: ByteWriter, end: SetEnd): void {
  writeFindings(writer, end)
  writer.count(end.signature.length)
  writer.raw(end.signature)
}

/** Writes late hashes and skipped entries as they travel, and as they are signed. */
export function writeFindings(writer: ByteWriter, findings: SetFindings): void {
  writer.count(findings.lateHashes.size)
  for (const [index, hash] of findings.lateHashes) {
    writer.count(index)
    writer.hash(hash)
  }
  writer.count(findings.skipped.length)
  for (const index of findings.skipped) writer.count(index)
  writer.count(findings.unavailable.size)
  for (const [index, code] of findings.unavailable) {
    writer.count(index)
    writer.text(fromText(code))
  }
}
