import { z } from '@hono/zod-openapi'

/** The objects that the API gives, for its document. Clients must bear fields and values that are not here. */

const id = z.string()
const time = z.iso.datetime()
const version = z.int()
const stored = { id, version, createdAt: time }
const role = z.enum(['cms', 'cas', 'sm'])
export const userRole = z.enum(['admin', 'operator', 'viewer'])
const path = z.string()
const pathBytes = z.base64().optional()

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    action: z.string(),
    field: z.string().optional(),
    retryAfterS: z.int().optional(),
  })
  .openapi('Problem')

const reason = z
  .object({
    code: z.string(),
    message: z.string(),
    action: z.string(),
    at: time,
    retryAt: time.optional(),
  })
  .openapi('Reason')

const entryNote = { code: z.string(), message: z.string(), action: z.string() }

export const region = z.object({ ...stored, name: z.string() }).openapi('Region')
export const group = z.object({ ...stored, name: z.string(), regionId: id }).openapi('Group')

export const server = z
  .object({
    id,
    name: z.string(),
    groupId: id,
    address: z.string().nullable(),
    addresses: z.array(z.object({ scope: z.string().nullable(), host: z.string(), port: z.int() })),
    dialsOut: z.boolean(),
    roles: z.array(role),
    weight: z.int(),
    mode: z.enum(['active', 'drained']),
    state: z.enum(['pending', 'up', 'degraded', 'down', 'incompatible', 'revoked']),
    lastSeenAt: time.nullable(),
    version: z.string().nullable(),
    health: z.object({ state: z.enum(['unknown', 'good', 'bad']), at: time.nullable() }),
    certificate: z.object({ serial: z.string(), expiresAt: time, reason: reason.nullable() }),
    platform: z.object({
      os: z.string(),
      architecture: z.string(),
      cpuCount: z.int(),
      memoryBytes: z.int(),
    }),
    revokedAt: time.nullable(),
    revokeReason: z.string().nullable(),
    createdAt: time,
    revision: z.int(),
  })
  .openapi('Server')

export const serverMetrics = z
  .object({
    at: time,
    cpuPercent: z.number(),
    memoryPercent: z.number(),
    sessions: z.int().nullable(),
    load1: z.number(),
    diskFreeBytes: z.int().nullable(),
    txBytes: z.int(),
    rxBytes: z.int(),
  })
  .openapi('ServerMetrics')

export const folderEntry = z
  .object({
    name: z.string(),
    nameBytes: pathBytes,
    type: z.enum(['file', 'directory', 'symlink', 'fifo']),
  })
  .openapi('FolderEntry')

const trialPart = z.object({
  files: z.number(),
  folders: z.number(),
  bytes: z.number(),
  sample: z.array(z.object({ path, pathBytes })),
})

export const filterTrial = z
  .object({ passes: trialPart, leftOut: trialPart, complete: z.boolean() })
  .openapi('FilterTrial')

export const enrollmentToken = z
  .object({
    ...stored,
    groupId: id.nullable(),
    serverId: id.nullable(),
    roles: z.array(role),
    expiresAt: time,
    maxUses: z.int(),
    uses: z.int(),
    createdBy: z.string(),
  })
  .openapi('EnrollmentToken')
export const newEnrollmentToken = enrollmentToken
  .extend({ token: z.string(), command: z.string() })
  .openapi('NewEnrollmentToken')

export const convergenceState = z.enum([
  'converged',
  'behind',
  'unknown',
  'failed',
  'held',
  'waiting',
])
export const convergence = z
  .object({
    policyId: id,
    policyName: z.string(),
    converged: z.boolean(),
    summary: z.string(),
    headSeq: z.int(),
    sources: z.array(
      z.object({
        sourceId: id,
        serverId: id,
        path,
        connected: z.boolean(),
        epoch: z.string().nullable(),
        headSeq: z.int(),
        completeAt: time.nullable(),
        gaps: z.array(z.object({ path, since: time, reason: z.string() })),
        fileCount: z.int(),
        totalBytes: z.int(),
        error: reason.nullable(),
      }),
    ),
    targetCounts: z.record(convergenceState, z.int()),
    targets: z.array(
      z.object({
        serverId: id,
        path,
        state: convergenceState,
        connected: z.boolean(),
        appliedSeq: z.int(),
        bySource: z.array(
          z.object({
            sourceId: id,
            bindingId: id,
            epoch: z.string().nullable(),
            appliedSeq: z.int(),
            state: convergenceState,
          }),
        ),
        backlogEntries: z.int(),
        backlogBytes: z.int(),
        failedEntries: z.int(),
        lagMs: z.int(),
        lastVerifiedAt: time.nullable(),
        notes: z.array(z.object({ ...entryNote, count: z.int() })),
        reason: reason.nullable(),
      }),
    ),
  })
  .openapi('Convergence')

const hopOptions = {
  scope: z.enum(['group', 'region', 'international']),
  method: z.enum(['copy', 'patch']),
  compression: z.int(),
  tls: z.boolean(),
  rateBytesPerS: z.number().nullable(),
}
export const route = z
  .object({
    hops: z.array(z.object({ from: id, to: id, ...hopOptions, reason: z.string() })),
    unreachable: z.array(z.object({ serverId: id, reason })),
  })
  .openapi('Route')

export const jobState = z.enum([
  'queued',
  'running',
  'held',
  'done',
  'partial',
  'failed',
  'cancelled',
])
export const jobKind = z.enum([
  'initial',
  'realtime',
  'manual',
  'reserved',
  'recovery',
  'verify',
  'repair',
  'preview',
  'restore',
])
const jobHold = z
  .object({
    code: z.string(),
    message: z.string(),
    action: z.string(),
    at: time,
    since: time,
    fingerprint: z.string(),
    preview: z.object({
      deletes: z.int(),
      updates: z.int(),
      bytes: z.int(),
      sample: z.array(z.string()),
    }),
    clearsItself: z.boolean(),
  })
  .openapi('Hold')
export const jobTarget = z
  .object({
    serverId: id,
    bindingId: id,
    sourceId: id,
    state: z.enum([...jobState.options, 'skipped']),
    via: id.nullable(),
    why: z.string().nullable(),
    attempts: z.int(),
    bytesOnWire: z.int(),
    entriesApplied: z.int(),
    entriesFailed: z.int(),
    error: reason.nullable(),
  })
  .openapi('JobTarget')
export const job = z
  .object({
    id,
    version,
    policyId: id,
    policyVersion: z.int(),
    kind: jobKind,
    trigger: z.string(),
    state: jobState,
    sources: z.array(
      z.object({ sourceId: id, serverId: id, epoch: z.string(), from: z.int(), to: z.int() }),
    ),
    entries: z.int(),
    bytes: z.int(),
    createdAt: time,
    startedAt: time.nullable(),
    endedAt: time.nullable(),
    hold: jobHold.nullable(),
    error: reason.nullable(),
    targetCounts: z.record(z.string(), z.int()),
    targets: z.array(jobTarget),
  })
  .openapi('Job')
export const entryState = z.enum([
  'queued',
  'sent',
  'applied',
  'held',
  'kept',
  'failed',
  'superseded',
])
export const jobEntry = z
  .object({
    path,
    pathBytes,
    type: z.enum(['file', 'directory', 'symlink', 'fifo']).nullable(),
    op: z.string(),
    from: path.optional(),
    fromBytes: pathBytes,
    changed: time,
    size: z.int(),
    seq: z.int(),
    sourceId: id,
    serverId: id,
    state: entryState,
    notes: z.array(z.object(entryNote)),
    error: reason.nullable(),
  })
  .openapi('JobEntry')
export const startedJob = z.object({ jobId: id }).openapi('StartedJob')

export const user = z
  .object({
    ...stored,
    name: z.string(),
    role: userRole,
    disabled: z.boolean(),
    passwordChangedAt: time,
  })
  .openapi('User')
export const apiToken = z
  .object({
    ...stored,
    name: z.string(),
    userId: id,
    userName: z.string(),
    role: userRole,
    expiresAt: time,
    lastUsedAt: time.nullable(),
  })
  .openapi('Token')
export const newApiToken = apiToken.extend({ token: z.string() }).openapi('NewToken')
export const session = z
  .object({
    userId: id.nullable(),
    name: z.string(),
    role: userRole,
    expiresAt: time.nullable(),
    csrfToken: z.string().nullable(),
  })
  .openapi('Session')
export const auditRecord = z
  .object({
    id,
    at: time,
    actorId: id.nullable(),
    actorName: z.string(),
    address: z.string().nullable(),
    action: z.string(),
    objectType: z.string(),
    objectId: id.nullable(),
    objectName: z.string().nullable(),
    outcome: z.string(),
    details: z.record(z.string(), z.unknown()).nullable(),
  })
  .openapi('AuditRecord')
const limits = z.object({ regions: z.int(), groups: z.int(), cas: z.int(), cms: z.int() })
export const license = z
  .object({
    state: z.enum(['missing', 'invalid', 'valid', 'grace', 'expired']),
    code: z.string().nullable(),
    message: z.string().nullable(),
    expiresAt: time.nullable(),
    graceUntil: time.nullable(),
    limits: limits.nullable(),
    used: limits,
    left: limits.nullable(),
    company: z.string().nullable(),
    site: z.string().nullable(),
    siteId: id.nullable(),
    installationId: id,
  })
  .openapi('License')
export const errorDescription = z
  .object({ code: z.string(), status: z.int(), action: z.string() })
  .openapi('ErrorDescription')

/** A page of a list of such objects. */
export function pageOf(item: z.ZodType) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}
