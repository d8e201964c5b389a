import { and, asc, desc, eq, gt, inArray, sql } from 'drizzle-orm'

import type { Reader } from '../db/database.ts'
import {
  bindings,
  changes,
  pendingExceptions,
  policySources,
  servers,
  targetStates,
} from '../db/schema.ts'

export type SourceRow = typeof policySources.$inferSelect

/** A binding with what its target last said. */
export interface BindingRow {
  readonly binding: typeof bindings.$inferSelect
  readonly state: typeof targetStates.$inferSelect | null
  readonly mode: string
}

/** What a target lacks of its source. */
export interface Backlog {
  readonly entries: number
  readonly bytes: number
  /** When the oldest of it was recorded; null where nothing is missing. */
  readonly sinceMs: number | null
}

export interface PendingRow {
  readonly code: string
  readonly message: string
}

/** Reads the sources of policies in their order. */
export async function readSources(
  reader: Reader,
  policyIds: readonly string[],
): Promise<SourceRow[]> {
  return await reader
    .select()
    .from(policySources)
    .where(inArray(policySources.policyId, policyIds))
    .orderBy(asc(policySources.position))
}

/** Reads the bindings of policies with the states of their targets, by the name of the server. */
export async function readBindings(
  reader: Reader,
  policyIds: readonly string[],
): Promise<BindingRow[]> {
  return await reader
    .select({ binding: bindings, state: targetStates, mode: servers.mode })
    .from(bindings)
    .innerJoin(servers, eq(servers.id, bindings.serverId))
    .leftJoin(targetStates, eq(targetStates.bindingId, bindings.id))
    .where(inArray(bindings.policyId, policyIds))
    .orderBy(asc(servers.name), asc(bindings.id))
}

/** Reads what a target that holds `appliedSeq` of a source's epoch lacks: by running totals, so a long backlog costs no more. */
export async function readBacklog(
  reader: Reader,
  place: { readonly sourceId: string; readonly epoch: string; readonly appliedSeq: number },
): Promise<Backlog> {
  const { sourceId, epoch, appliedSeq } = place
  const ofEpoch = and(eq(changes.sourceId, sourceId), eq(changes.epoch, epoch))
  const missing = reader
    .select()
    .from(changes)
    .where(and(ofEpoch, gt(changes.seq, appliedSeq)))
  const [first] = await missing.orderBy(asc(changes.seq)).limit(1)
  if (first === undefined) return { entries: 0, bytes: 0, sinceMs: null }
  const [last = first] = await reader
    .select()
    .from(changes)
    .where(ofEpoch)
    .orderBy(desc(changes.seq))
    .limit(1)
  return {
    entries: last.totalEntries - first.totalEntries + 1,
    bytes: last.totalBytes - first.totalBytes + first.size,
    sinceMs: first.recordedAtMs,
  }
}

/** Reads the first thing that keeps each binding's target from being complete. */
export async function readPending(
  reader: Reader,
  bindingIds: readonly string[],
): Promise<ReadonlyMap<string, PendingRow>> {
  const rows = await reader
    .select()
    .from(pendingExceptions)
    .where(
      and(inArray(pendingExceptions.bindingId, bindingIds), eq(pendingExceptions.state, 'failed')),
    )
    .orderBy(sql`${pendingExceptions.seq} DESC`)
  return new Map(rows.map((row) => [row.bindingId, { code: row.code, message: row.message }]))
}
