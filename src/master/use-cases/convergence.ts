import { and, asc, gt, sql } from 'drizzle-orm'

import type { MasterContext } from '../context.ts'
import {
  type Backlog,
  type BindingRow,
  type PendingRow,
  type SourceRow,
  readBacklog,
  readBindings,
  readPending,
  readSources,
} from '../convergence/read.ts'
import { type JudgedState, judgeTarget } from '../convergence/target-state.ts'
import { type NoteCount, isoOrNull, toErrorReason, toTargetNotes } from '../db/reason.ts'
import { bindings, policies, servers } from '../db/schema.ts'
import type {
  Convergence,
  ConvergenceState,
  Page,
  SourceConvergence,
  TargetConvergence,
} from '../model.ts'
import { shownPath } from '../policies/roots.ts'
import { nextTimeMs } from '../schedules/next-time.ts'
import { type PolicyRow, findGroup, findPolicy } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

export interface ConvergenceFilter extends PageRequest {
  /** Only policies with a target in this group, by id or `name:…`. */
  readonly groupId?: string | undefined
  /** Only targets in one of these states; policies without any are left out. */
  readonly states?: readonly ConvergenceState[] | undefined
}

/** How the targets of one policy stand to its sources; NOT_FOUND. */
export async function getConvergence(
  context: MasterContext,
  reference: string,
): Promise<Convergence> {
  const row = await findPolicy(context.database.read, reference)
  return await convergenceOf(context, row)
}

/** How the targets of all policies stand, by the name of the policy. */
export async function listConvergence(
  context: MasterContext,
  filter: ConvergenceFilter,
): Promise<Page<Convergence>> {
  const { read } = context.database
  const after = cursorKey(filter, 1)?.[0]
  const group = filter.groupId === undefined ? null : await findGroup(read, filter.groupId)
  const ofGroup = sql`EXISTS (SELECT 1 FROM ${bindings} JOIN ${servers} ON ${servers.id} = ${bindings.serverId}
    WHERE ${bindings.policyId} = ${policies.id} AND ${servers.groupId} = ${group?.id ?? ''})`
  const rows = await read
    .select()
    .from(policies)
    .where(
      and(
        group === null ? undefined : ofGroup,
        after === undefined ? undefined : gt(policies.name, after),
      ),
    )
    .orderBy(asc(policies.name))
    .limit(pageLimit(filter) + 1)
  const page = toPage(rows, filter, { keyOf: (row) => [row.name], convert: (row) => row })
  const all = await Promise.all(page.items.map((row) => convergenceOf(context, row)))
  return { items: onlyStates(all, filter.states), nextCursor: page.nextCursor }
}

function onlyStates(
  all: readonly Convergence[],
  states: readonly ConvergenceState[] | undefined,
): readonly Convergence[] {
  if (states === undefined) return all
  return all
    .map((item) => ({ ...item, targets: item.targets.filter((t) => states.includes(t.state)) }))
    .filter((item) => item.targets.length > 0)
}

async function convergenceOf(context: MasterContext, policy: PolicyRow): Promise<Convergence> {
  const { read } = context.database
  const sources = await readSources(read, [policy.id])
  const rows = await readBindings(read, [policy.id])
  const pending = await readPending(
    read,
    rows.filter((row) => (row.state?.pendingCount ?? 0) > 0).map((row) => row.binding.id),
  )
  const backlogs = await readBacklogs(context, { sources, rows })
  const judged = rows.map((row): Judged => {
    const source = sources.find((candidate) => candidate.id === row.binding.sourceId)
    const verdict = judge(context, { policy, source, row, pending: pending.get(row.binding.id) })
    return { row, verdict, backlog: backlogs.get(row.binding.id) ?? null }
  })
  const byPlace = Map.groupBy(judged, ({ row }) => `${row.binding.serverId} ${row.binding.path}`)
  const targets = [...byPlace.values()].map((group) => toTarget(context, group))
  return summarize({ policy, sources: sources.map((row) => toSource(context, row)), targets })
}

interface Judged {
  readonly row: BindingRow
  readonly verdict: JudgedState
  readonly backlog: Backlog | null
}

/** Targets at the same place share one reading, since most of them are at the same place. */
async function readBacklogs(
  context: MasterContext,
  { sources, rows }: { sources: readonly SourceRow[]; rows: readonly BindingRow[] },
): Promise<ReadonlyMap<string, Backlog>> {
  const known = new Map<string, Backlog>()
  const backlogs = new Map<string, Backlog>()
  for (const { binding, state } of rows) {
    const source = sources.find((candidate) => candidate.id === binding.sourceId)
    if (source?.epoch === null || source === undefined) continue
    const appliedSeq = state?.epoch === source.epoch ? state.appliedSeq : 0
    const key = `${source.id} ${appliedSeq}`
    const place = { sourceId: source.id, epoch: source.epoch, appliedSeq }
    const backlog = known.get(key) ?? (await readBacklog(context.database.read, place))
    known.set(key, backlog)
    backlogs.set(binding.id, backlog)
  }
  return backlogs
}

function judge(
  context: MasterContext,
  of: {
    policy: PolicyRow
    source: SourceRow | undefined
    row: BindingRow
    pending: PendingRow | undefined
  },
): JudgedState {
  const { policy, source, row, pending } = of
  const { binding, state } = row
  return judgeTarget({
    enabled: policy.enabled,
    mode: policy.body.mode,
    recovery: policy.body.recovery.mode,
    source: {
      connected: source !== undefined && context.fleet.isConnected(source.serverId),
      epoch: source?.epoch ?? null,
      headSeq: source?.headSeq ?? 0,
      scanned: source?.completeAtMs !== null,
      gapCount: source?.gaps.length ?? 0,
      error: source?.error ?? null,
      hold: source?.hold ?? null,
    },
    target: {
      connected: context.fleet.isConnected(binding.serverId),
      drained: row.mode === 'drained',
      epoch: state?.epoch ?? null,
      appliedSeq: state?.appliedSeq ?? 0,
      pendingCount: state?.pendingCount ?? 0,
      wasAway: state?.wasAway ?? false,
      recoversAt: isoOrNull(recoversAtMs(policy, state)),
      error: state?.error ?? null,
      lastError: state?.lastError ?? null,
      firstPending: pending ?? null,
      hold: state?.hold ?? null,
    },
  })
}

function recoversAtMs({ body }: PolicyRow, state: BindingRow['state']): number | null {
  const { recovery } = body
  if (recovery.mode !== 'reserved' || state?.returnedAtMs == null) return null
  return nextTimeMs(recovery.schedule, state.returnedAtMs)
}

function toSource(context: MasterContext, row: SourceRow): SourceConvergence {
  return {
    sourceId: row.id,
    serverId: row.serverId,
    path: shownPath(row.path).path,
    connected: context.fleet.isConnected(row.serverId),
    epoch: row.epoch,
    headSeq: row.headSeq,
    completeAt: isoOrNull(row.completeAtMs),
    gaps: row.gaps.map((gap) => ({ ...gap, path: shownPath(gap.path).path })),
    fileCount: row.fileCount,
    totalBytes: row.totalBytes,
    error: toErrorReason(row.error === null ? null : { ...row.error, atMs: context.clock.nowMs() }),
  }
}

/** From the worst to the best: a target is what the worst of its sources makes it. */
const SEVERITY: readonly ConvergenceState[] = [
  'failed',
  'held',
  'unknown',
  'behind',
  'waiting',
  'converged',
]

function toTarget(context: MasterContext, group: readonly Judged[]): TargetConvergence {
  const worst = group.toSorted((a, b) => severity(a) - severity(b))[0]
  const { binding, state } = (worst ?? group[0] ?? failGroup()).row
  const nowMs = context.clock.nowMs()
  const since = group.flatMap(({ backlog }) => backlog?.sinceMs ?? [])
  const reason = worst?.verdict.reason ?? null
  const sum = (of: (item: Judged) => number) => group.reduce((total, item) => total + of(item), 0)
  return {
    serverId: binding.serverId,
    path: shownPath(binding.path).path,
    state: worst?.verdict.state ?? 'unknown',
    connected: context.fleet.isConnected(binding.serverId),
    appliedSeq: Math.min(...group.map(({ row }) => row.state?.appliedSeq ?? 0)),
    bySource: group.map(({ row, verdict }) => ({
      sourceId: row.binding.sourceId,
      bindingId: row.binding.id,
      epoch: row.state?.epoch ?? null,
      appliedSeq: row.state?.appliedSeq ?? 0,
      state: verdict.state,
    })),
    backlogEntries: sum(({ backlog }) => backlog?.entries ?? 0),
    backlogBytes: sum(({ backlog }) => backlog?.bytes ?? 0),
    failedEntries: sum(({ row }) => row.state?.pendingCount ?? 0),
    lagMs: since.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...since)),
    lastVerifiedAt: null,
    notes: toTargetNotes(sumNotes(group.flatMap(({ row }) => row.state?.notes ?? []))),
    reason: toErrorReason(
      reason === null ? null : { atMs: state?.reportedAtMs ?? nowMs, ...reason },
    ),
  }
}

/** What several sources lack at one target, the most first. */
function sumNotes(notes: readonly NoteCount[]): NoteCount[] {
  const counts = new Map<string, number>()
  for (const { code, count } of notes) counts.set(code, (counts.get(code) ?? 0) + count)
  return [...counts]
    .map(([code, count]) => ({ code, count }))
    .toSorted((one, other) => other.count - one.count)
}

function severity({ verdict }: Judged): number {
  return SEVERITY.indexOf(verdict.state)
}

function failGroup(): never {
  throw new Error('invariant broken: a group has a member')
}

function summarize(of: {
  policy: PolicyRow
  sources: readonly SourceConvergence[]
  targets: readonly TargetConvergence[]
}): Convergence {
  const { policy, sources, targets } = of
  const targetCounts = { converged: 0, behind: 0, unknown: 0, failed: 0, held: 0, waiting: 0 }
  for (const target of targets) targetCounts[target.state]++
  const whole = sources.every((source) => source.connected && source.gaps.length === 0)
  return {
    policyId: policy.id,
    policyName: policy.name,
    converged: whole && targets.length > 0 && targetCounts.converged === targets.length,
    summary: `${targetCounts.converged}/${targets.length} identical`,
    headSeq: Math.max(0, ...sources.map((source) => source.headSeq)),
    sources,
    targetCounts,
    targets,
  }
}
