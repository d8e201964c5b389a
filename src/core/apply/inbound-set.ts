import { assert } from '../base/assert.ts'
import type { ErrorCode } from '../base/errors.ts'
import { SURVEYED_AT_ONCE } from '../base/limits.ts'
import type { Working } from '../base/working.ts'
import type { ContentHash, Entry } from '../change/entry.ts'
import { findLeaders } from '../change/names.ts'
import { Asides } from './asides.ts'
import { type BaseFile, type BaseVersion, baseRow, openBase } from './base-file.ts'
import type { Verdict } from './decision.ts'
import { ownWork } from './ending.ts'
import { firstMode } from './folder-making.ts'
import { SpaceGuard } from './free-space.ts'
import type { InboundFile, InboundSet, SetHeader, SetOutcome } from './inbound.ts'
import { type Destination, IncomingFile, type StagedFile } from './incoming-file.ts'
import { IndexView } from './index-view.ts'
import { Ledger } from './ledger.ts'
import { LocalContent } from './local-content.ts'
import type { MetadataWriter } from './metadata.ts'
import type { ApplyDependencies } from './options.ts'
import type { Partials } from './partials.ts'
import { type Selection, selectEntries } from './selection.ts'
import { commitSet } from './set-commit.ts'
import { runPhases, surveyEntry, surveyParts } from './set-run.ts'
import { stageSmall } from './small-file.ts'
import { StagedFolders } from './staged-folders.ts'
import { Staging } from './staging.ts'
import { type Standing, heldByPath } from './standing.ts'
import { readInPlace } from './survey.ts'
import type { Work } from './work.ts'
import { hasHole } from './zero-runs.ts'

export interface SetContext {
  readonly deps: ApplyDependencies
  readonly metadata: MetadataWriter
  readonly partials: Partials
  readonly header: SetHeader
  readonly list: number
  readonly standing: Standing
  /** Whether something may lie there that nobody knows, so that the end of a list looks for it. */
  readonly mayHoldStrangers: boolean
  /** Seqs of entries whose owner is not known here. */
  readonly unknownOwners: ReadonlySet<number>
  /** Called once, when the set ended one way or the other. */
  readonly ended: (isApplied: boolean) => void
}

/** One set on its way into the tree. */
export class ApplyingSet implements InboundSet {
  readonly #context: SetContext
  readonly #entries: readonly Entry[]
  readonly #work: Work
  readonly #staged = new Map<number, StagedFile>()
  /** By seq: what must be sent. */
  readonly #wanted = new Map<number, Entry>()
  /** Seqs of these that have nothing at their paths. */
  readonly #absent = new Set<number>()
  readonly #space: SpaceGuard
  #selection: Selection = { newer: [], known: [] }
  #open: IncomingFile | null = null
  #phase: 'new' | 'open' | 'applying' | 'ended' = 'new'

  constructor(context: SetContext, entries: readonly Entry[]) {
    const { deps, header, list, metadata, partials, unknownOwners } = context
    const view = new IndexView(deps.index)
    const staging = new Staging(deps, {
      get isEmpty() {
        return partials.isEmpty
      },
      outlives: (name) => partials.outlives(name, header),
    })
    const local = new LocalContent({
      tree: deps.tree,
      index: view,
      createHasher: deps.createHasher,
    })
    const ledger = new Ledger(header, list, deps.nowMs())
    const held = heldByPath(deps.index)
    this.#context = context
    const leaders = findLeaders(entries)
    const asides = new Asides(deps)
    const parts = { view, local, asides, metadata, staging, ledger, held, unknownOwners, leaders }
    this.#work = {
      ...parts,
      deps,
      tree: deps.tree,
      folders: new StagedFolders(deps.tree, staging),
      staged: this.#staged,
      priorClaims: new Set(deps.index.claims()),
    }
    this.#space = new SpaceGuard(deps.options.minFreePercent, deps.freeSpace)
    this.#entries = entries
  }

  *survey(): Working<readonly number[]> {
    assert(this.#phase === 'new', 'a set is surveyed once')
    const { deps } = this.#work
    this.#select()
    const { newer } = this.#selection
    for (let start = 0; start < newer.length; start += SURVEYED_AT_ONCE) {
      yield
      const some = newer.slice(start, start + SURVEYED_AT_ONCE)
      for (const entry of some) yield* readInPlace(surveyParts(this.#work), entry)
      deps.index.reading(() => this.#look(some))
    }
    this.#phase = 'open'
    return [...this.#wanted.keys()].toSorted((one, other) => one - other)
  }

  #select(): void {
    const { deps, view } = this.#work
    view.refresh()
    const select = () => selectEntries(view, this.#context.header, this.#entries)
    this.#selection = deps.index.reading(select)
  }

  #look(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { verdict, row } = surveyEntry(this.#work, entry)
      if (verdict.kind !== 'place' && verdict.kind !== 'yield') continue
      if (verdict.content.kind === 'folder' && row === null) this.#expectFolder(entry, verdict)
      if (verdict.content.kind !== 'wire') continue
      const leader = this.#work.leaders.get(entry.seq)
      if (leader !== undefined) this.#wantOfLeader(leader)
      else this.#wanted.set(entry.seq, entry)
      const isFree = verdict.kind === 'place' && verdict.disk === null
      if (isFree && leader === undefined) this.#absent.add(entry.seq)
    }
  }

  #expectFolder({ path, state }: Entry, verdict: Verdict): void {
    if (state === null || verdict.kind !== 'place' || verdict.disk !== null) return
    this.#work.folders.expect(path, firstMode(this.#work, state))
  }

  /** Whether the leader itself is to be placed or not. */
  #wantOfLeader(seq: number): void {
    const leader = this.#wanted.has(seq) ? undefined : this.#entries.find((one) => one.seq === seq)
    if (leader !== undefined) this.#wanted.set(seq, leader)
  }

  openFile(seq: number, keptBytes = 0): InboundFile {
    assert(this.#phase === 'open', 'content comes before the set is applied')
    return this.#openAt(seq, this.#destination(seq, keptBytes))
  }

  putFile(seq: number, bytes: Uint8Array): ContentHash {
    assert(this.#phase === 'open', 'content comes before the set is applied')
    const to = this.#destination(seq, 0)
    const { deps, metadata } = this.#work
    const { createHasher, options } = deps
    if (to.kind === 'nowhere' || to.start !== null || (options.sparse && hasHole(bytes)))
      return putThrough(this.#openAt(seq, to), bytes)
    if (metadata.concernsAttributes(to.state)) return putThrough(this.#openAt(seq, to), bytes)
    const hasher = createHasher()
    hasher.update(bytes)
    const hash = hasher.digest()
    const path = this.#absent.has(seq) ? (this.#wanted.get(seq)?.path ?? null) : null
    this.#staged.set(seq, stageSmall(this.#work, { path, state: to.state, bytes, hash }))
    return hash
  }

  #openAt(seq: number, to: Destination): InboundFile {
    this.#open?.close()
    const { tree, deps, metadata, staging } = this.#work
    const { createHasher } = deps
    const { sparse } = deps.options
    const keep = (file: StagedFile) => {
      if (to.kind === 'staging' || file.failure !== null) this.#staged.set(seq, file)
    }
    this.#open = new IncomingFile({ tree, staging, metadata, createHasher, sparse }, to, keep)
    return this.#open
  }

  base(seq: number): BaseVersion | null {
    const entry = this.#wanted.get(seq)
    const state = entry === undefined ? null : (baseRow(this.#work, entry)?.state ?? null)
    return state?.hash == null ? null : { hash: state.hash, size: state.size }
  }

  openBase(seq: number): BaseFile | null {
    const entry = this.#wanted.get(seq)
    return entry === undefined ? null : openBase(this.#work, entry)
  }

  #destination(seq: number, keptBytes: number): Destination {
    const entry = this.#wanted.get(seq)
    const state = entry?.state ?? null
    if (entry === undefined || state === null)
      return { kind: 'nowhere', failure: null, start: null }
    const { header, partials } = this.#context
    const start = partials.start(header.epoch, { ...entry, state }, keptBytes)
    const failure = this.#space.admit(state.size - keptBytes)
    return failure === null
      ? { kind: 'staging', state, start }
      : { kind: 'nowhere', failure, start }
  }

  *apply(
    late: ReadonlyMap<number, ContentHash>,
    skipped: ReadonlySet<number>,
    unavailable: ReadonlyMap<number, ErrorCode>,
  ): Working<SetOutcome> {
    assert(this.#phase === 'open', 'a set is applied once')
    this.#phase = 'applying'
    this.#open?.close()
    // Since the look, sets of other sources may have ended, after which more has to come again.
    if (!this.#work.deps.siblings.isAlone) this.#select()
    const { newer, known } = this.#selection
    for (const row of known) this.#work.ledger.kept(row)
    const sent = newer
      .filter(({ seq }) => !skipped.has(seq))
      .map((entry) => withHash(entry, late.get(entry.seq)))
    const named = new Set([...newer, ...known].map(({ path }) => path))
    const own = ownWork(this.#work, this.#context.header, named)
    for (const path of own.adopted) this.#work.ledger.gone(path)
    for (const seq of unavailable.keys()) this.#staged.delete(seq)
    const entries = [...sent, ...own.entries]
    const absent = this.#absent
    const others = yield* runPhases(this.#work, this.#context, {
      entries,
      named,
      unavailable,
      absent,
    })
    const outcome = commitSet(this.#work, this.#context, { newer, sent, others })
    this.#context.partials.pass(this.#context.header)
    this.#finish(true)
    return outcome
  }

  discard(): void {
    if (this.#phase === 'ended') return
    this.#open?.close()
    this.#finish(false)
  }

  #finish(isApplied: boolean): void {
    this.#phase = 'ended'
    this.#context.ended(isApplied)
  }
}

function putThrough(file: InboundFile, bytes: Uint8Array): ContentHash {
  file.write(bytes)
  return file.finish()
}

function withHash(entry: Entry, late: ContentHash | undefined): Entry {
  if (late === undefined || entry.state?.type !== 'file' || entry.state.hash !== null) return entry
  return { ...entry, state: { ...entry.state, hash: late } }
}
