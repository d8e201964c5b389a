import type { Database } from 'bun:sqlite'

import type { JournalState } from '../core/change/journal-store.ts'
import type { KnownRoot } from '../core/change/known-root.ts'
import { asSigned } from './journal-rows.ts'

interface StoredState {
  readonly id: bigint
  readonly epoch: string
  readonly head_seq: bigint
  readonly reserved_seq: bigint
  readonly is_clean: bigint
  readonly root_inode: bigint | null
  readonly root_birth_ns: bigint | null
  readonly root_is_mount_point: bigint | null
  readonly view: string
  readonly view_revision: bigint
  readonly file_count: bigint
  readonly total_bytes: bigint
  readonly complete_at_ms: bigint | null
  readonly released_seq: bigint
}

/** Reads what the journal of a source knows of itself, and the source's row id; null where it has none. */
export function getState(
  database: Database,
  sourceId: string,
): { readonly source: bigint; readonly state: JournalState } | null {
  const row = database
    .query<StoredState, [string]>('SELECT * FROM source WHERE source_id = ?')
    .get(sourceId)
  return row === null ? null : { source: row.id, state: stateOf(row) }
}

/** Writes it, and gives the source's row id. */
export function putState(database: Database, sourceId: string, state: JournalState): bigint {
  const { root } = state
  const row = database
    .query<{ id: bigint }, (string | number | bigint | null)[]>(PUT)
    .get(
      sourceId,
      state.epoch,
      state.headSeq,
      state.reservedSeq,
      state.isClean ? 1 : 0,
      root === null ? null : asSigned(root.inode),
      root === null ? null : root.birthNs,
      root === null ? null : Number(root.isMountPoint),
      state.view,
      state.viewRevision,
      state.fileCount,
      state.totalBytes,
      state.completeAtMs,
      state.releasedSeq,
    )
  if (row === null) throw new Error('invariant broken: an upsert gives its row')
  return row.id
}

const NAMES = [
  'source_id',
  'epoch',
  'head_seq',
  'reserved_seq',
  'is_clean',
  'root_inode',
  'root_birth_ns',
  'root_is_mount_point',
  'view',
  'view_revision',
  'file_count',
  'total_bytes',
  'complete_at_ms',
  'released_seq',
] as const
const PUT = `INSERT INTO source (${NAMES.join(', ')}) VALUES (${NAMES.map(() => '?').join(', ')})
  ON CONFLICT (source_id) DO UPDATE SET ${NAMES.slice(1)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')}
  RETURNING id`

function stateOf(row: StoredState): JournalState {
  return {
    epoch: row.epoch,
    headSeq: Number(row.head_seq),
    reservedSeq: Number(row.reserved_seq),
    isClean: row.is_clean === 1n,
    root: rootOf(row),
    view: row.view,
    viewRevision: Number(row.view_revision),
    fileCount: Number(row.file_count),
    totalBytes: Number(row.total_bytes),
    completeAtMs: row.complete_at_ms === null ? null : Number(row.complete_at_ms),
    releasedSeq: Number(row.released_seq),
  }
}

function rootOf(row: StoredState): KnownRoot | null {
  if (row.root_inode === null || row.root_birth_ns === null) return null
  return {
    inode: BigInt.asUintN(64, row.root_inode),
    birthNs: row.root_birth_ns,
    isMountPoint: row.root_is_mount_point === 1n,
  }
}
