import type { Accounts } from '../../../src/core/apply/accounts.ts'
import { ApplyBinding } from '../../../src/core/apply/inbound-binding.ts'
import type {
  HoldOutcome,
  InboundSet,
  SetHeader,
  SetOutcome,
} from '../../../src/core/apply/inbound.ts'
import type { HoldDecision, IndexStore } from '../../../src/core/apply/index-store.ts'
import type { ApplyOptions, FreeSpace } from '../../../src/core/apply/options.ts'
import { NO_SIBLINGS, type Siblings } from '../../../src/core/apply/siblings.ts'
import { stagingFolder } from '../../../src/core/apply/staging.ts'
import type { ReadTree, TargetTree } from '../../../src/core/apply/target-tree.ts'
import { type ByteString, fromText, toText } from '../../../src/core/base/byte-string.ts'
import type { ErrorCode } from '../../../src/core/base/errors.ts'
import { finish } from '../../../src/core/base/working.ts'
import type { ContentHash, Entry, SentState } from '../../../src/core/change/entry.ts'
import type { Hold } from '../../../src/core/change/journal.ts'
import { ROOT, type RelPath, child } from '../../../src/core/path/rel-path.ts'
import { createHasher, hashBytes } from '../../../src/platform/hash.ts'
import { MemoryIndex } from '../../fakes/memory-index.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, get } from '../../platform/tree.suite.ts'

export const EPOCH = 'epoch-1'
export const MTIME = 1_600_000_000_123_456_789n

const DEFAULTS: ApplyOptions = {
  deletes: 'mirror',
  deleteExcluded: false,
  firstContact: 'hold',
  owner: 'id',
  mode: true,
  xattrs: false,
  acls: false,
  hardLinks: false,
  sparse: true,
  minFreePercent: 0,
}

/** Every content that a test's source ever held, by hash. */
const contents = new Map<ContentHash, Uint8Array>()

/** Gives the hash of a content, which the source can send from now on. */
export function hashOf(content: string): ContentHash {
  const bytes = new TextEncoder().encode(content)
  const hash = hashBytes(bytes)
  contents.set(hash, bytes)
  return hash
}

type Extra = Partial<SentState> & { from?: string; operation?: Entry['operation'] }

function entry(
  seq: number,
  path: string,
  ...[state, extra = {}]: [SentState | null, Extra?]
): Entry {
  const { from, operation = state === null ? 'delete' : 'update', ...rest } = extra
  return {
    seq,
    path: at(path),
    operation,
    state: state === null ? null : { ...state, ...rest },
    from: from === undefined ? null : at(from),
  }
}

const PLAIN = { mode: 0o644, uid: 0, gid: 0, mtimeNs: MTIME, size: 0, linkTarget: null, hash: null }

export function file(seq: number, path: string, ...[content, extra]: [string, Extra?]): Entry {
  const hash = hashOf(content)
  return entry(seq, path, { ...PLAIN, type: 'file', size: content.length, hash }, extra)
}

export function folder(seq: number, path: string, extra: Extra = {}): Entry {
  return entry(seq, path, { ...PLAIN, type: 'directory', mode: 0o755 }, extra)
}

export function symlink(seq: number, path: string, ...[to, extra]: [string, Extra?]): Entry {
  const linkTarget = fromText(to)
  return entry(seq, path, { ...PLAIN, type: 'symlink', mode: 0o777, linkTarget }, extra)
}

export function fifo(seq: number, path: string, extra: Extra = {}): Entry {
  return entry(seq, path, { ...PLAIN, type: 'fifo' }, extra)
}

export function gone(seq: number, path: string, operation: Entry['operation'] = 'delete'): Entry {
  return entry(seq, path, null, { operation })
}

export interface Delivery {
  readonly kind?: SetHeader['kind']
  readonly epoch?: string
  readonly from?: number
  readonly to?: number
  readonly last?: boolean
  readonly jobTo?: number
  readonly skipped?: readonly number[]
  readonly unavailable?: ReadonlyMap<number, ErrorCode>
  /** Sends another content than was announced. */
  readonly tampered?: boolean
  /** Looks at the target between the content and the end of the set. */
  readonly beforeApply?: () => void
}

export interface Result {
  readonly wanted: readonly string[]
  readonly failed: readonly string[]
  /** What waits for a person's word afterwards. */
  readonly held: readonly string[]
  readonly outcome: SetOutcome
}

/** One target: a tree, an index, and the machine between them. */
export class Target {
  readonly tree: TargetTree
  readonly index: IndexStore
  readonly notices: string[] = []
  options: ApplyOptions
  space: FreeSpace = { freeBytes: 1 << 30, totalBytes: 1 << 30 }
  isVisible: (path: RelPath) => boolean = () => true
  nowMs = 0
  bindingId = 'b'
  siblings: Siblings = NO_SIBLINGS
  accounts: Accounts = { uidOf: () => null, gidOf: () => null }
  #binding: ApplyBinding | null = null

  constructor(
    options: Partial<ApplyOptions> = {},
    tree: TargetTree = new MemoryTree(),
    index: IndexStore = new MemoryIndex(),
  ) {
    this.options = { ...DEFAULTS, ...options }
    this.tree = tree
    this.index = index
  }

  get binding(): ApplyBinding {
    this.#binding ??= this.#open()
    return this.#binding
  }

  /** The process ends and starts again. */
  restart(): void {
    this.#binding = null
    this.binding.recover()
  }

  #open(): ApplyBinding {
    const { tree, index, options } = this
    return new ApplyBinding({
      tree,
      index,
      options,
      siblings: this.siblings,
      bindingId: this.bindingId,
      staging: stagingFolder(this.bindingId as ByteString),
      createHasher,
      freeSpace: () => this.space,
      nowMs: () => this.nowMs,
      accounts: () => this.accounts,
      isVisible: (path) => this.isVisible(path),
      notice: (message) => this.notices.push(message),
    })
  }

  /** Sends a set as a source does; the first one is a full list. */
  deliver(entries: readonly Entry[], delivery: Delivery = {}): Result {
    const header = this.#header(entries, delivery)
    const set = this.binding.begin(header, entries)
    const bySeq = new Map(entries.map((one) => [one.seq, one]))
    const wanted = finish(set.survey())
    for (const seq of wanted) {
      const hash = bySeq.get(seq)?.state?.hash ?? this.late.get(seq)
      const known = hash === undefined ? undefined : contents.get(hash)
      const bytes = delivery.tampered === true ? new TextEncoder().encode('tampered') : known
      // Half of the files come as small ones do, half as large ones.
      if (seq % 2 === 0 && bytes !== undefined) set.putFile(seq, bytes)
      else sendInParts(set, seq, bytes ?? new Uint8Array())
    }
    delivery.beforeApply?.()
    const unavailable = delivery.unavailable ?? new Map()
    const outcome = finish(set.apply(this.late, new Set(delivery.skipped), unavailable))
    return {
      wanted: wanted.map((seq) => text(bySeq.get(seq)?.path ?? ROOT)),
      failed: outcome.failed.map(({ path, code }) => `${text(path)} ${code}`).toSorted(),
      held: outcome.position.held.map(({ path, code }) => `${text(path)} ${code}`).toSorted(),
      outcome,
    }
  }

  /** What waits for a person's word now. */
  get hold(): Hold | null {
    return this.binding.position().hold
  }

  /** Looks whether what is held lies there still. */
  lookAgain(): boolean {
    return finish(this.binding.lookAgain())
  }

  /** A person says a word about what is shown. */
  answer(decision: HoldDecision, fingerprint = this.hold?.fingerprint ?? ''): HoldOutcome {
    return finish(this.binding.answer(fingerprint, decision))
  }

  /** Hashes that the source finds only while it sends. */
  readonly late = new Map<number, ContentHash>()

  #header(entries: readonly Entry[], delivery: Delivery): SetHeader {
    const watermark = this.index.watermark()
    const epoch = delivery.epoch ?? EPOCH
    const isNew = watermark?.epoch !== epoch
    const kind = delivery.kind ?? (isNew ? 'full' : 'incremental')
    const from = delivery.from ?? (kind === 'full' ? 0 : (watermark?.seq ?? 0))
    const to =
      delivery.to ?? Math.max(from, ...(kind === 'retry' ? [] : entries.map(({ seq }) => seq)))
    return { epoch, kind, from, to, last: delivery.last ?? true, jobTo: delivery.jobTo ?? to }
  }

  /** The tree as text: one line a path, with content or where a link points. */
  look(): string[] {
    return lookAt(this.tree, ROOT)
  }
}

function sendInParts(set: InboundSet, seq: number, bytes: Uint8Array): void {
  const incoming = set.openFile(seq)
  if (bytes.length > 0) incoming.write(bytes)
  incoming.finish()
}

/** Says what lies below a folder, in order of path. */
function lookAt(tree: ReadTree, below: RelPath): string[] {
  return (tree.list(below) ?? []).toSorted().flatMap((name: ByteString) => {
    const path = child(below, name)
    const state = tree.lstat(path)
    if (state?.type === 'directory') return [`${text(path)}/`, ...lookAt(tree, path)]
    if (state?.type === 'symlink')
      return [`${text(path)} -> ${text(state.linkTarget ?? ('' as ByteString))}`]
    if (state?.type === 'fifo') return [`${text(path)} |`]
    return [`${text(path)} ${get(tree, path)}`]
  })
}

function text(bytes: ByteString): string {
  return toText(bytes).text
}
