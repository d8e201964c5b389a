import type { ErrorCode } from '../base/errors.ts'
import type { Working } from '../base/working.ts'
import type { Entry } from '../change/entry.ts'
import { type RelPath, ROOT } from '../path/rel-path.ts'
import { claimMoves, claimPlaces } from './claims.ts'
import {
  asPlacings,
  copyOthers,
  keepOthers,
  otherChanges,
  yieldAll,
  type OtherChange,
} from './conflicts.ts'
import {
  type Decision,
  type Verdict,
  placings,
  removals,
  settlings,
  sharings,
  yieldings,
} from './decision.ts'
import { removeExtras } from './extras.ts'
import { finishFolders } from './folder-ends.ts'
import { ensureParent, makeFolders, makeRoom } from './folder-making.ts'
import { findFolderMoves } from './folder-moves.ts'
import type { SetHeader } from './inbound.ts'
import type { FolderMove } from './index-view.ts'
import { joinNames } from './joining.ts'
import { linkNames } from './linking.ts'
import { placeAll, settleAll, shareAll } from './placing.ts'
import { displace, prepareAll } from './preparation.ts'
import { isRefusal } from './refusal.ts'
import { removeAll } from './removal.ts'
import { followShared } from './shared-files.ts'
import { hasUnanswered, holdStrangers } from './strangers.ts'
import { type SurveyDependencies, survey } from './survey.ts'
import { type Work, stagedOf } from './work.ts'

export interface RunInput {
  readonly entries: readonly Entry[]
  readonly named: ReadonlySet<RelPath>
  /** Files that the source cannot read, by seq. */
  readonly unavailable: ReadonlyMap<number, ErrorCode>
  /** Seqs that had nothing at their paths when the set began: `place` finds out whether that is so still. */
  readonly absent: ReadonlySet<number>
}

/**
 * Brings the disk to the states of a set. Rows are states, not a script, so the order is the same whatever the seqs say:
 * whole folders that moved; all new content complete in staging and synced; what leaves and is wanted elsewhere into
 * staging; further names of what is there or in staging; folders, parents first; placing; metadata in place; deletions,
 * deepest first; at last the folders' own metadata, deepest first. A crash between any two calls loses nothing: see `endStaging` and `IndexStore.claim`.
 */
export function* runPhases(
  work: Work,
  { header, mayHoldStrangers }: { header: SetHeader; mayHoldStrangers: boolean },
  input: RunInput,
): Working<readonly OtherChange[]> {
  const absent = moveFolders(work, input.entries) ? new Set<number>() : input.absent
  const decisions = yield* joinNames(work, yield* decide(work, { ...input, absent }))
  const isIdle = decisions.every(({ verdict }) => verdict.kind === 'pass')
  const isEnd = header.kind === 'full' && header.last
  if (isIdle && !work.staging.isMade && !isEnd) {
    settle(work, decisions)
    return []
  }
  claimPlaces(work, decisions)
  settle(work, decisions)
  yield* holdBelow(work, decisions, input.named)
  const yielding = yieldings(decisions)
  const kept = asPlacings(yielding)
  const preparation = yield* prepareAll(work, [...decisions, ...kept])
  const gone = removals(decisions)
  const wanted = placings(decisions)
  const copies = copyOthers(work, wanted)
  if (preparation.prepared.size > 0 || copies.length > 0) work.tree.sync()
  keepOthers(work, copies)
  displace(work, [...wanted, ...kept], preparation)
  const { placed, left } = yield* linkNames(work, wanted, preparation.prepared)
  yield* makeRoom(work, placed, gone)
  makeFolders(work, placed, preparation.prepared)
  yield* placeAll(work, placed, preparation.prepared)
  yield* yieldAll(work, yielding, preparation.prepared)
  yield* settleAll(work, [...settlings(decisions), ...left])
  shareAll(work, sharings(decisions))
  yield* removeAll(work, gone)
  if (isEnd && work.deps.options.firstContact === 'replace')
    removeExtras(work, allNamed(work, input.named))
  else if (isEnd && mayHoldStrangers && asksForStrangers(work))
    yield* holdStrangers(work, ROOT, input.named)
  if (isEnd) work.asides.tidy(work.deps.bindingId, lostPaths(work))
  work.staging.clear()
  finishFolders(work, decisions)
  followShared(work, decisions)
  const others = otherChanges(work, decisions)
  work.tree.sync()
  return others
}

function* decide(work: Work, input: RunInput): Working<Decision[]> {
  const decisions: Decision[] = []
  for (const entry of input.entries) {
    yield
    const isKnown =
      input.absent.has(entry.seq) && work.staged.has(entry.seq) && isAlone(work, entry)
    const decision = isKnown ? placeStaged(work, entry) : surveyEntry(work, entry)
    decisions.push(checkContent(work, decision, input.unavailable))
  }
  return decisions
}

/** Paths of this binding at which another source's version lies. */
function lostPaths({ deps, ledger }: Work): ReadonlySet<RelPath> {
  const noted = [...ledger.notes].filter(([, notes]) =>
    notes.some(({ code }) => code === 'CONFLICT'),
  )
  return new Set([...deps.index.conflicts(), ...noted.map(([path]) => path)])
}

/** Nobody else has come to the path since the set began. */
function isAlone({ deps }: Work, { path }: Entry): boolean {
  return deps.siblings.at(path).length === 0
}

/** Looks at one entry's place with what arrived so far. */
export function surveyEntry(work: Work, entry: Entry): Decision {
  return survey(surveyParts(work), entry)
}

/** What of the work a look needs. */
export function surveyParts(work: Work): SurveyDependencies {
  const { tree, view, local, deps, held } = work
  const heldAt = (path: RelPath) => held.get(path)
  const holdsStrangers = (folder: RelPath) => mirrors(work) && hasUnanswered(work, folder)
  const isStaged = (seq: number) => stagedOf(work, seq) !== undefined
  const { siblings, options } = deps
  return { tree, index: view, siblings, local, options, heldAt, holdsStrangers, isStaged }
}

function placeStaged(work: Work, entry: Entry): Decision {
  const verdict = { kind: 'place', disk: null, content: { kind: 'staged' } } as const
  return { entry, row: work.view.get(entry.path), verdict }
}

/** Content that arrived counts only complete, with the hash that its source signed. */
function checkContent(
  work: Work,
  decision: Decision,
  unavailable: ReadonlyMap<number, ErrorCode>,
): Decision {
  const { entry, verdict } = decision
  const file = stagedOf(work, entry.seq)
  if (verdict.kind !== 'place' && verdict.kind !== 'yield') return decision
  if (verdict.content.kind === 'wire')
    return { ...decision, verdict: missing(entry, unavailable.get(entry.seq)) }
  if (verdict.content.kind !== 'staged' || file === undefined) return decision
  if (file.failure !== null) return { ...decision, verdict: { kind: 'fail', ...file.failure } }
  if (file.hash === entry.state?.hash && file.size === entry.state.size) return decision
  const message = `cannot place ${JSON.stringify(entry.path)}: its content is not what was announced`
  return { ...decision, verdict: { kind: 'fail', code: 'HASH_MISMATCH', message } }
}

function missing({ path }: Entry, code: ErrorCode = 'SOURCE_UNAVAILABLE'): Verdict {
  const message = `cannot place ${JSON.stringify(path)}: its source could not give the content`
  return { kind: 'fail', code, message }
}

/** Notes what needs nothing on the disk. */
function settle({ ledger }: Work, decisions: readonly Decision[]): void {
  for (const { entry, row, verdict } of decisions) {
    if (verdict.kind === 'fail') ledger.fail(entry, verdict.code, verdict.message)
    else if (verdict.kind === 'hold') ledger.hold(entry, verdict.disk)
    else if (verdict.kind === 'forget') ledger.gone(entry.path)
    else if (verdict.kind === 'pass') ledger.left(entry, row)
  }
}

/** True where something may have come to other paths. */
function moveFolders(work: Work, entries: readonly Entry[]): boolean {
  const moves = findFolderMoves({ ...work.deps, tree: work.tree }, entries)
  if (moves.length === 0) return false
  claimMoves(work, entries, moves)
  for (const move of moves) moveFolder(work, move)
  return true
}

function moveFolder(work: Work, move: FolderMove): void {
  try {
    ensureParent(work, move.to)
    work.tree.rename(move.from, move.to)
    work.view.move(move)
  } catch (thrown) {
    // File by file, each failure finds its entry.
    if (!isRefusal(thrown)) throw thrown
  }
}

/** With a folder in the way goes what is in it. */
function* holdBelow(
  work: Work,
  decisions: readonly Decision[],
  named: ReadonlySet<RelPath>,
): Working<void> {
  for (const { entry, verdict } of decisions) {
    const isFolder = verdict.kind === 'hold' && verdict.disk.type === 'directory'
    if (isFolder && entry.state !== null && mirrors(work))
      yield* holdStrangers(work, entry.path, named)
  }
}

/** What nobody knows is told of once, however many sources come to the root. */
function asksForStrangers(work: Work): boolean {
  const { options, siblings } = work.deps
  return options.firstContact === 'hold' && siblings.isFirst && mirrors(work)
}

function mirrors({ deps }: Work): boolean {
  return deps.options.deletes === 'mirror'
}

/** What has no row yet is known as well: named by this set, or pending from an earlier one of the list. */
function allNamed(work: Work, named: ReadonlySet<RelPath>): ReadonlySet<RelPath> {
  return new Set([...named, ...work.deps.index.pending().map(({ path }) => path)])
}
