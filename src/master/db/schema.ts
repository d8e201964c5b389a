import { integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'

import type { EntryOperation, FileType } from '../../core/change/entry.ts'
import type { Way } from '../../core/route/tree.ts'
import type { Address, ReportedHold } from '../../core/wire/control.ts'
import type {
  Gap,
  HopRule,
  JobKind,
  JobState,
  JobTargetState,
  JobTrigger,
  Platform,
  Role,
  ServerMode,
  UserRole,
} from '../model.ts'
import type { PolicyBody, PolicyFields } from '../policy-schema.ts'
import type { AskedHold, DatedReason, NoteCount, Reason } from './reason.ts'

// The tables of migrations/master, as drizzle sees them. Constraints and indexes stand in the SQL alone.

export const settings = sqliteTable('settings', {
  key: text('key').primaryKey(),
  value: text('value', { mode: 'json' }).$type<unknown>().notNull(),
})

export const licenses = sqliteTable('licenses', {
  kind: text('kind').$type<'site' | 'install'>().primaryKey(),
  token: text('token').notNull(),
  addedAtMs: integer('added_at_ms').notNull(),
  addedBy: text('added_by'),
})

export const licenseKeys = sqliteTable('license_keys', {
  thumbprint: text('thumbprint').primaryKey(),
  jwk: text('jwk', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
  addedAtMs: integer('added_at_ms').notNull(),
})

export const regions = sqliteTable('regions', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
})

export const groups = sqliteTable('groups', {
  id: text('id').primaryKey(),
  regionId: text('region_id').notNull(),
  name: text('name').notNull(),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
})

export const servers = sqliteTable('servers', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  groupId: text('group_id').notNull(),
  roles: text('roles', { mode: 'json' }).$type<Role[]>().notNull(),
  weight: integer('weight').notNull().default(100),
  mode: text('mode').$type<ServerMode>().notNull().default('active'),
  addresses: text('addresses', { mode: 'json' }).$type<Address[]>().notNull().default([]),
  dialsOut: integer('dials_out', { mode: 'boolean' }).notNull().default(false),
  agentVersion: text('agent_version'),
  platform: text('platform', { mode: 'json' }).$type<Platform>().notNull(),
  publicKey: text('public_key'),
  certificateSerial: text('certificate_serial').notNull(),
  certificateExpiresAtMs: integer('certificate_expires_at_ms').notNull(),
  lastSeenAtMs: integer('last_seen_at_ms'),
  revokedAtMs: integer('revoked_at_ms'),
  revokeReason: text('revoke_reason'),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
})

export const enrollmentTokens = sqliteTable('enrollment_tokens', {
  id: text('id').primaryKey(),
  secretHash: text('secret_hash').notNull(),
  groupId: text('group_id'),
  serverId: text('server_id'),
  roles: text('roles', { mode: 'json' }).$type<Role[]>().notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  maxUses: integer('max_uses').notNull(),
  uses: integer('uses').notNull().default(0),
  createdBy: text('created_by').notNull(),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
})

export const hopRules = sqliteTable('hop_rules', {
  id: text('id').primaryKey(),
  rule: text('rule', { mode: 'json' }).$type<HopRule>().notNull(),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
})

export const policies = sqliteTable('policies', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  enabled: integer('enabled', { mode: 'boolean' }).notNull(),
  body: text('body', { mode: 'json' }).$type<PolicyBody>().notNull(),
  version: integer('version').notNull().default(1),
  pauseReason: text('pause_reason'),
  createdAtMs: integer('created_at_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

export const policyRevisions = sqliteTable(
  'policy_revisions',
  {
    policyId: text('policy_id').notNull(),
    version: integer('version').notNull(),
    policy: text('policy', { mode: 'json' }).$type<PolicyFields>().notNull(),
    changedBy: text('changed_by').notNull(),
    changedAtMs: integer('changed_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.policyId, table.version] })],
)

export const policySources = sqliteTable('policy_sources', {
  id: text('id').primaryKey(),
  policyId: text('policy_id').notNull(),
  position: integer('position').notNull(),
  serverId: text('server_id').notNull(),
  path: text('path').notNull(),
  requireMount: integer('require_mount', { mode: 'boolean' }).notNull(),
  viewRevision: integer('view_revision').notNull().default(0),
  epoch: text('epoch'),
  headSeq: integer('head_seq').notNull().default(0),
  recordedSeq: integer('recorded_seq').notNull().default(0),
  completeAtMs: integer('complete_at_ms'),
  gaps: text('gaps', { mode: 'json' }).$type<Gap[]>().notNull().default([]),
  fileCount: integer('file_count').notNull().default(0),
  totalBytes: integer('total_bytes').notNull().default(0),
  hold: text('hold', { mode: 'json' }).$type<ReportedHold>(),
  error: text('error', { mode: 'json' }).$type<Reason>(),
})

export const policyTargets = sqliteTable(
  'policy_targets',
  {
    policyId: text('policy_id').notNull(),
    position: integer('position').notNull(),
    serverId: text('server_id'),
    groupId: text('group_id'),
    regionId: text('region_id'),
    path: text('path').notNull(),
    minFreePercent: integer('min_free_percent').notNull(),
  },
  (table) => [primaryKey({ columns: [table.policyId, table.position] })],
)

export const bindings = sqliteTable('bindings', {
  id: text('id').primaryKey(),
  policyId: text('policy_id').notNull(),
  sourceId: text('source_id').notNull(),
  serverId: text('server_id').notNull(),
  path: text('path').notNull(),
  minFreePercent: integer('min_free_percent').notNull(),
})

export const targetStates = sqliteTable('target_states', {
  bindingId: text('binding_id').primaryKey(),
  epoch: text('epoch'),
  appliedSeq: integer('applied_seq').notNull().default(0),
  pendingCount: integer('pending_count').notNull().default(0),
  error: text('error', { mode: 'json' }).$type<Reason>(),
  failures: integer('failures').notNull().default(0),
  lastError: text('last_error', { mode: 'json' }).$type<DatedReason>(),
  wasAway: integer('was_away', { mode: 'boolean' }).notNull().default(false),
  returnedAtMs: integer('returned_at_ms'),
  reportedAtMs: integer('reported_at_ms'),
  waivedSeq: integer('waived_seq'),
  hold: text('hold', { mode: 'json' }).$type<ReportedHold>(),
  notes: text('notes', { mode: 'json' }).$type<NoteCount[]>().notNull().default([]),
})

export const pendingExceptions = sqliteTable(
  'pending_exceptions',
  {
    bindingId: text('binding_id').notNull(),
    seq: integer('seq').notNull(),
    path: text('path').notNull(),
    code: text('code').notNull(),
    message: text('message').notNull(),
    state: text('state').$type<'failed' | 'held' | 'kept'>().notNull().default('failed'),
  },
  (table) => [primaryKey({ columns: [table.bindingId, table.seq] })],
)

export const notedEntries = sqliteTable(
  'noted_entries',
  {
    bindingId: text('binding_id').notNull(),
    seq: integer('seq').notNull(),
    code: text('code').notNull(),
  },
  (table) => [primaryKey({ columns: [table.bindingId, table.seq, table.code] })],
)

/** `released`: it was held, and came again as a change of its own. */
export type RecordedOperation = EntryOperation | 'released'

export const changes = sqliteTable(
  'changes',
  {
    sourceId: text('source_id').notNull(),
    epoch: text('epoch').notNull(),
    seq: integer('seq').notNull(),
    path: text('path').notNull(),
    fromPath: text('from_path'),
    operation: text('operation').$type<RecordedOperation>().notNull(),
    type: text('type').$type<FileType>(),
    size: integer('size').notNull(),
    hash: text('hash'),
    recordedAtMs: integer('recorded_at_ms').notNull(),
    totalEntries: integer('total_entries').notNull(),
    totalBytes: integer('total_bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.sourceId, table.epoch, table.seq] })],
)

export const jobs = sqliteTable('jobs', {
  id: text('id').primaryKey(),
  policyId: text('policy_id').notNull(),
  policyVersion: integer('policy_version').notNull(),
  kind: text('kind').$type<JobKind>().notNull(),
  trigger: text('trigger').$type<JobTrigger>().notNull(),
  state: text('state').$type<JobState>().notNull(),
  entries: integer('entries').notNull().default(0),
  bytes: integer('bytes').notNull().default(0),
  hold: text('hold', { mode: 'json' }).$type<AskedHold>(),
  error: text('error', { mode: 'json' }).$type<DatedReason>(),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
  startedAtMs: integer('started_at_ms'),
  endedAtMs: integer('ended_at_ms'),
})

export const jobSources = sqliteTable(
  'job_sources',
  {
    jobId: text('job_id').notNull(),
    sourceId: text('source_id').notNull(),
    serverId: text('server_id').notNull(),
    epoch: text('epoch').notNull(),
    fromSeq: integer('from_seq').notNull(),
    toSeq: integer('to_seq').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.sourceId] })],
)

export const jobTargets = sqliteTable(
  'job_targets',
  {
    jobId: text('job_id').notNull(),
    bindingId: text('binding_id').notNull(),
    sourceId: text('source_id').notNull(),
    serverId: text('server_id').notNull(),
    state: text('state').$type<JobTargetState>().notNull(),
    runId: text('run_id'),
    /** Null where the source itself serves it. */
    way: text('way', { mode: 'json' }).$type<Way>(),
    via: text('via'),
    attempts: integer('attempts').notNull().default(0),
    bytesOnWire: integer('bytes_on_wire').notNull().default(0),
    entriesApplied: integer('entries_applied').notNull().default(0),
    entriesFailed: integer('entries_failed').notNull().default(0),
    error: text('error', { mode: 'json' }).$type<DatedReason>(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.bindingId] })],
)

export const users = sqliteTable('users', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  role: text('role').$type<UserRole>().notNull(),
  passwordHash: text('password_hash').notNull(),
  disabled: integer('disabled', { mode: 'boolean' }).notNull().default(false),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
  passwordChangedAtMs: integer('password_changed_at_ms').notNull(),
})

export const sessions = sqliteTable('sessions', {
  tokenHash: text('token_hash').primaryKey(),
  userId: text('user_id').notNull(),
  csrfToken: text('csrf_token').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  lastUsedAtMs: integer('last_used_at_ms').notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  address: text('address'),
  userAgent: text('user_agent'),
})

export const apiTokens = sqliteTable('api_tokens', {
  id: text('id').primaryKey(),
  userId: text('user_id').notNull(),
  name: text('name').notNull(),
  role: text('role').$type<UserRole>().notNull(),
  tokenHash: text('token_hash').notNull(),
  version: integer('version').notNull().default(1),
  createdAtMs: integer('created_at_ms').notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  lastUsedAtMs: integer('last_used_at_ms'),
})

export const loginAttempts = sqliteTable('login_attempts', {
  key: text('key').primaryKey(),
  failures: integer('failures').notNull(),
  blockedUntilMs: integer('blocked_until_ms').notNull(),
  updatedAtMs: integer('updated_at_ms').notNull(),
})

export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    actor: text('actor').notNull(),
    key: text('key').notNull(),
    requestHash: text('request_hash').notNull(),
    status: integer('status'),
    body: text('body'),
    createdAtMs: integer('created_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.actor, table.key] })],
)

export const audit = sqliteTable('audit', {
  id: text('id').primaryKey(),
  atMs: integer('at_ms').notNull(),
  actorId: text('actor_id'),
  actorName: text('actor_name').notNull(),
  address: text('address'),
  action: text('action').notNull(),
  objectType: text('object_type').notNull(),
  objectId: text('object_id'),
  objectName: text('object_name'),
  outcome: text('outcome').notNull(),
  details: text('details', { mode: 'json' }).$type<Record<string, unknown>>(),
})

export const serverMetrics = sqliteTable(
  'server_metrics',
  {
    serverId: text('server_id').notNull(),
    atMs: integer('at_ms').notNull(),
    cpuPercent: real('cpu_percent').notNull(),
    memoryPercent: real('memory_percent').notNull(),
    sessions: integer('sessions'),
    load1: real('load1').notNull(),
    diskFreeBytes: integer('disk_free_bytes'),
    txBytes: integer('tx_bytes').notNull(),
    rxBytes: integer('rx_bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.serverId, table.atMs] })],
)
