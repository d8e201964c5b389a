import type { InboundBinding, InboundFile, InboundSet, SetHeader } from '../apply/inbound.ts'
import type { SetOutcome } from '../apply/inbound.ts'
import type { Hasher } from '../apply/target-tree.ts'
import { SET_ENTRY_BYTES_MAX, SMALL_FILE_BYTES_MAX } from '../base/limits.ts'
import type { Working } from '../base/working.ts'
import type { ContentHash, Entry } from '../change/entry.ts'
import type { BlockHashes } from '../delta/block-hashes.ts'
import { parseBytes } from '../wire/byte-reader.ts'
import { parseEntries } from '../wire/entry-codec.ts'
import type { Block, SetBegin, SetEnd } from '../wire/frame.ts'
import type { Base, SignatureRequest } from '../wire/patch-frames.ts'
import { setStatement } from '../wire/set-statement.ts'
import type { BlockCodec } from './block-codec.ts'
import { lateHashesBySeq, verifyContents } from './incoming-check.ts'
import { IncomingBase, PatchedContent } from './incoming-patch.ts'
import { demand, refuse } from './violation.ts'

/** What the receiver needs of the world. */
export interface ReceiverPorts {
  readonly binding: InboundBinding
  readonly codec: BlockCodec
  newHasher(): Hasher
  readonly blockHashes: BlockHashes
  /** Verifies a signature of the agent that holds the source. */
  verify(statement: Uint8Array, signature: Uint8Array): boolean
}

/** The stream that the set is part of. */
export interface IncomingStream {
  readonly sourceId: string
  readonly epoch: string
  /** Where its target is to be at the end. */
  readonly to: number
}

/** One set on its way in: entries, content, end. Content goes to staging only; nothing is placed before `end`. */
export class IncomingSet {
  readonly #ports: ReceiverPorts
  readonly #stream: IncomingStream
  readonly #begin: SetBegin
  readonly #entriesHasher: Hasher
  readonly #entries: Entry[] = []
  #entryBytes = 0
  #inbound: InboundSet | null = null
  #wanted: readonly boolean[] = []
  /** By index: hashes of the contents that came, null for one that was broken off. */
  readonly #received = new Map<number, ContentHash | null>()
  /** Indexes of files that were built from changes: whole they may come as well, for a sibling that could not. */
  readonly #rebuilt = new Set<number>()
  #open: OpenFile | null = null
  /** The older version of the file that is being asked about or built. */
  #base: IncomingBase | null = null

  constructor(ports: ReceiverPorts, stream: IncomingStream, begin: SetBegin) {
    this.#ports = ports
    this.#stream = stream
    this.#begin = begin
    this.#entriesHasher = ports.newHasher()
  }

  /** True while entries are missing; when none is, `start` is due. */
  get lacksEntries(): boolean {
    return this.#entries.length < this.#begin.entryCount
  }

  takeEntries(block: Block): void {
    demand(this.lacksEntries, 'more entries than the set has')
    const plain = this.#ports.codec.decompress(block)
    this.#entryBytes += plain.length
    demand(this.#entryBytes <= SET_ENTRY_BYTES_MAX, 'a set with too many bytes of entries')
    this.#entriesHasher.update(plain)
    const room = this.#begin.entryCount - this.#entries.length
    const parsed = parseEntries(plain, this.#entries.at(-1)?.seq ?? 0, room)
    if (!parsed.ok) refuse(parsed.error.code, parsed.error.message)
    demand(parsed.value.length > 0, 'a block without entries')
    for (const entry of parsed.value) this.#entries.push(entry)
  }

  /** Hands the entries to the binding; gives which contents are wanted. */
  *start(): Working<readonly boolean[]> {
    const { from, to, kind, last } = this.#begin
    const first = this.#entries[0]?.seq ?? to
    const lowest = kind === 'retry' ? 0 : from
    demand(first > lowest || this.#entries.length === 0, 'an entry from before its set')
    demand((this.#entries.at(-1)?.seq ?? 0) <= to, 'an entry from behind its set')
    const header: SetHeader = {
      epoch: this.#stream.epoch,
      from,
      to,
      kind,
      last,
      jobTo: this.#stream.to,
    }
    this.#inbound = this.#ports.binding.begin(header, this.#entries)
    const wanted = new Set(yield* this.#inbound.survey())
    this.#wanted = this.#entries.map((entry) => wanted.has(entry.seq))
    return this.#wanted
  }

  /** The older versions that are here of wanted files. */
  get bases(): readonly Base[] {
    const bases: Base[] = []
    for (const [index, { seq }] of this.#entries.entries()) {
      const base = this.#wanted[index] === true ? (this.#inbound?.base(seq) ?? null) : null
      if (base !== null) bases.push({ index, ...base })
    }
    return bases
  }

  /** Signs a stretch of an older version; gives nothing where that is not here any more. */
  sign(request: SignatureRequest): Uint8Array {
    return this.#baseFor(request.index)?.sign(request) ?? new Uint8Array(0)
  }

  takePack(block: Block): void {
    const plain = this.#ports.codec.decompress(block)
    const parsed = parseBytes('a pack', plain, (reader) => {
      while (reader.left > 0) {
        const index = reader.count()
        this.#takeSmall(index, reader.raw(reader.count(SMALL_FILE_BYTES_MAX)))
      }
    })
    if (!parsed.ok) refuse(parsed.error.code, parsed.error.message)
  }

  #takeSmall(index: number, bytes: Uint8Array): void {
    const { inbound, seq, size } = this.#fileDue(index)
    demand(bytes.length === size, `content of entry ${index} of another length than it says`)
    if (this.#isLacking(index)) this.#received.set(index, inbound.putFile(seq, bytes))
  }

  /** `keptBytes` of the content are here from a set that was broken off, and do not come again. */
  beginFile(index: number, keptBytes = 0): void {
    const { inbound, seq, size } = this.#fileDue(index)
    demand(keptBytes <= size, `more kept of entry ${index} than it has`)
    const file = this.#isLacking(index) ? inbound.openFile(seq, keptBytes) : null
    this.#open = { index, file, leftBytes: size - keptBytes, patch: null }
  }

  /** What is not wanted was pushed before the sender could know: it is let run through. */
  #isLacking(index: number): boolean {
    return this.#wanted[index] === true && !this.#rebuilt.has(index)
  }

  #fileDue(index: number): { inbound: InboundSet; seq: number; size: number } {
    const entry = this.#entries[index]
    const inbound = this.#inbound
    demand(inbound !== null && this.#open === null, 'content that is not due')
    demand(entry?.state?.type === 'file', `content for entry ${index}, which is no file`)
    const isTwice = this.#received.has(index) && !this.#rebuilt.has(index)
    demand(!isTwice, `content for entry ${index} twice`)
    return { inbound, seq: entry.seq, size: entry.state.size }
  }

  beginPatch(index: number): void {
    this.beginFile(index)
    const open = this.#open
    demand(open?.file != null, `changes to entry ${index}, which is not wanted`)
    open.patch = new PatchedContent(this.#baseFor(index), open.file)
  }

  takeCopy(from: number, length: number): void {
    const open = this.#open
    demand(open?.patch != null, 'a copy into a file that is sent whole')
    demand(length <= open.leftBytes, `content of entry ${open.index} longer than it says`)
    open.leftBytes -= length
    open.patch.copy(from, length)
  }

  /** Ends a file that was sent as changes; what is not rebuilt may come once more. */
  endPatch(hash: ContentHash | null): { readonly index: number; readonly isRebuilt: boolean } {
    const open = this.#open
    demand(open?.patch != null, 'the end of changes that were not begun')
    demand(hash === null || open.leftBytes === 0, `content of entry ${open.index} is too short`)
    this.#open = null
    const built = open.patch.end(hash)
    if (built !== null) this.#received.set(open.index, built)
    if (built !== null) this.#rebuilt.add(open.index)
    return { index: open.index, isRebuilt: built !== null }
  }

  takeData(block: Block): void {
    this.#write(this.#ports.codec.decompress(block))
  }

  endFile(whole: boolean): void {
    const open = this.#open
    demand(open !== null && open.patch === null, 'the end of a file that was not begun')
    demand(!whole || open.leftBytes === 0, `content of entry ${open.index} shorter than it says`)
    this.#open = null
    const hash = open.file?.finish() ?? null
    if (open.file !== null) this.#received.set(open.index, whole ? hash : null)
  }

  /** Verifies everything and applies the set. */
  *end(end: SetEnd): Working<SetOutcome> {
    const inbound = this.#inbound
    demand(inbound !== null && this.#open === null, 'the end of a set that is not whole')
    this.#closeBase()
    this.#verifySignature(end)
    const contents = { entries: this.#entries, wanted: this.#wanted, received: this.#received }
    verifyContents(contents, end)
    const seqOf = (index: number) => this.#entries[index]?.seq ?? 0
    const unavailable = [...end.unavailable].map(([index, code]) => [seqOf(index), code] as const)
    const outcome = yield* inbound.apply(
      lateHashesBySeq(this.#entries, end),
      new Set(end.skipped.map(seqOf)),
      new Map(unavailable),
    )
    this.#inbound = null
    return outcome
  }

  /** Drops what was staged. Safe at any time. */
  discard(): void {
    this.#open = null
    this.#closeBase()
    this.#inbound?.discard()
    this.#inbound = null
  }

  #write(bytes: Uint8Array): void {
    const open = this.#open
    demand(open !== null, 'content of a file that was not begun')
    demand(bytes.length <= open.leftBytes, `content of entry ${open.index} longer than it says`)
    open.leftBytes -= bytes.length
    if (open.patch === null) open.file?.write(bytes)
    else open.patch.write(bytes)
  }

  #baseFor(index: number): IncomingBase | null {
    const entry = this.#entries[index]
    const inbound = this.#inbound
    demand(inbound !== null && this.#wanted[index] === true, `entry ${index} is not wanted`)
    if (this.#base?.index === index || entry === undefined) return this.#base
    this.#closeBase()
    const file = inbound.openBase(entry.seq)
    if (file !== null) this.#base = new IncomingBase(index, file, this.#ports.blockHashes)
    return this.#base
  }

  #closeBase(): void {
    this.#base?.close()
    this.#base = null
  }

  #verifySignature(end: SetEnd): void {
    const statement = setStatement({
      ...this.#stream,
      begin: this.#begin,
      entriesHash: this.#entriesHasher.digest(),
      findings: end,
    })
    if (!this.#ports.verify(statement, end.signature))
      refuse('SIGNATURE_INVALID', `cannot apply a set of source "${this.#stream.sourceId}"`)
  }
}

interface OpenFile {
  readonly index: number
  /** Null where the content is not wanted. */
  readonly file: InboundFile | null
  leftBytes: number
  /** Null where the content comes whole. */
  patch: PatchedContent | null
}
