import { sql } from 'drizzle-orm'

import type { MasterContext } from '../context.ts'
import type { Writer } from './database.ts'

const DAY_MS = 86_400_000
/** What each table is kept for, in days; what is still needed stays whatever its age. */
const KEEP_DAYS = {
  changes: 60,
  jobs: 90,
  audit: 400,
  idempotency: 1,
  sessions: 1,
  tokens: 30,
  metrics: 0.25,
}
/** Rows of one transaction: others get their turn in between. */
const CHUNK = 5000

type PruneContext = Pick<MasterContext, 'database' | 'clock' | 'log'>

/** Deletes what is older than its table keeps, a little at a time. */
export async function pruneHistory(context: PruneContext): Promise<void> {
  const nowMs = context.clock.nowMs()
  for (const [table, statement] of Object.entries(statements(nowMs))) {
    let deleted = 0
    for (;;) {
      const count = await context.database.write((writer) => countDeleted(writer, statement))
      deleted += count
      if (count < CHUNK) break
    }
    if (deleted > 0) context.log.info('old rows deleted', { table, count: deleted })
  }
}

async function countDeleted(writer: Writer, statement: ReturnType<typeof sql>): Promise<number> {
  const { rowsAffected } = await writer.run(statement)
  return rowsAffected
}

function statements(nowMs: number) {
  const before = (days: number) => nowMs - days * DAY_MS
  return {
    // A change is needed while a target that is part of its policy has not passed it.
    changes: sql`DELETE FROM changes WHERE (source_id, epoch, seq) IN (
      SELECT c.source_id, c.epoch, c.seq FROM changes c
      LEFT JOIN policy_sources s ON s.id = c.source_id AND s.epoch = c.epoch
      WHERE c.recorded_at_ms < ${before(KEEP_DAYS.changes)} AND (s.id IS NULL OR NOT EXISTS (
        SELECT 1 FROM bindings b LEFT JOIN target_states t ON t.binding_id = b.id
        WHERE b.source_id = c.source_id
          AND (t.epoch IS NULL OR t.epoch <> c.epoch OR t.applied_seq < c.seq)))
      LIMIT ${CHUNK})`,
    jobs: sql`DELETE FROM jobs WHERE id IN (SELECT id FROM jobs
      WHERE ended_at_ms < ${before(KEEP_DAYS.jobs)} LIMIT ${CHUNK})`,
    audit: sql`DELETE FROM audit WHERE id IN (SELECT id FROM audit
      WHERE at_ms < ${before(KEEP_DAYS.audit)} LIMIT ${CHUNK})`,
    idempotency: sql`DELETE FROM idempotency_keys WHERE (actor, key) IN (
      SELECT actor, key FROM idempotency_keys
      WHERE created_at_ms < ${before(KEEP_DAYS.idempotency)} LIMIT ${CHUNK})`,
    sessions: sql`DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions
      WHERE expires_at_ms < ${before(KEEP_DAYS.sessions)} LIMIT ${CHUNK})`,
    metrics: sql`DELETE FROM server_metrics WHERE (server_id, at_ms) IN (
      SELECT server_id, at_ms FROM server_metrics
      WHERE at_ms < ${before(KEEP_DAYS.metrics)} LIMIT ${CHUNK})`,
    tokens: sql`DELETE FROM enrollment_tokens WHERE id IN (SELECT id FROM enrollment_tokens
      WHERE expires_at_ms < ${before(KEEP_DAYS.tokens)} LIMIT ${CHUNK})`,
  }
}
