import { and, desc, eq, gte, lte, sql } from 'drizzle-orm'

import { iso } from '../../platform/clock.ts'
import type { MasterContext } from '../context.ts'
import { serverMetrics } from '../db/schema.ts'
import type { Page, ServerMetrics } from '../model.ts'
import { findServer } from './lookup.ts'

/** As far back as figures are kept; the answer never holds more than so many. */
const ITEMS_MAX = 5000
const HOUR_MS = 3_600_000

export interface MetricsQuery {
  readonly reference: string
  /** Milliseconds; the last hour where left out. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** Figures of so many seconds are taken together: means, and sums of what crossed the network. */
  readonly stepS?: number | undefined
  readonly limit?: number | undefined
}

/** Gives how a host fared, the newest first. NOT_FOUND. */
export async function listMetrics(
  context: MasterContext,
  query: MetricsQuery,
): Promise<Page<ServerMetrics>> {
  const { read } = context.database
  const { id } = await findServer(read, query.reference)
  const toMs = query.toMs ?? context.clock.nowMs()
  const fromMs = query.fromMs ?? toMs - HOUR_MS
  const stepMs = (query.stepS ?? 0) * 1000
  const step = stepMs === 0 ? sql<number>`${serverMetrics.atMs}` : stepOf(stepMs)
  const rows = await read
    .select({
      atMs: step,
      cpuPercent: sql<number>`round(avg(${serverMetrics.cpuPercent}), 1)`,
      memoryPercent: sql<number>`round(avg(${serverMetrics.memoryPercent}), 1)`,
      sessions: sql<number | null>`cast(round(avg(${serverMetrics.sessions})) AS INTEGER)`,
      load1: sql<number>`round(avg(${serverMetrics.load1}), 2)`,
      diskFreeBytes: sql<number | null>`min(${serverMetrics.diskFreeBytes})`,
      txBytes: sql<number>`sum(${serverMetrics.txBytes})`,
      rxBytes: sql<number>`sum(${serverMetrics.rxBytes})`,
    })
    .from(serverMetrics)
    .where(
      and(
        eq(serverMetrics.serverId, id),
        gte(serverMetrics.atMs, fromMs),
        lte(serverMetrics.atMs, toMs),
      ),
    )
    .groupBy(step)
    .orderBy(desc(step))
    .limit(query.limit ?? ITEMS_MAX)
  const items = rows.map(({ atMs, ...figures }) => ({ at: iso(atMs), ...figures }))
  return { items, nextCursor: null }
}

/** The beginning of the step that a time lies in. */
function stepOf(stepMs: number) {
  return sql<number>`(${serverMetrics.atMs} / ${sql.raw(String(stepMs))}) * ${sql.raw(String(stepMs))}`
}
