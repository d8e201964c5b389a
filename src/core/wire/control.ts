import { z } from 'zod'

import { filterTried, tryFilter } from './filter-trial.ts'

/**
 * Every message on the WebSocket between an agent and its master, as JSON. Byte strings travel as they are (code units
 * 0–255), big integers as decimal strings, hashes as hex. A receiver ignores fields it does not know and answers a
 * message type it does not know with nothing.
 */
export const CONTROL_PROTOCOL = 1

const id = z.string().min(1).max(64)
const name = z.string().min(1).max(255)
const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const count = z.number().int().min(0)
const bytes = z.string().max(8192)
const decimal = z.string().regex(/^-?\d{1,20}$/)
const timestamp = z.iso.datetime()
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const roles = z.array(z.enum(['cms', 'cas', 'sm'])).max(3)
const reason = z.object({ code: z.string().max(64), message: z.string().max(2000) })
const address = z.object({
  scope: z.string().max(64).nullable(),
  host: z.string().max(255),
  port: z.number().int().min(1).max(65535),
})
const hopScope = z.enum(['group', 'region', 'international'])
const position = z.object({ epoch: id, seq })
const fileType = z.enum(['file', 'directory', 'symlink', 'fifo'])
const operation = z.enum([
  'create',
  'update',
  'rename',
  'move',
  'delete',
  'excluded',
  'held',
  'kept',
])

/** A change as the master records it: what people ask about, no more. */
const changeRecord = z.object({
  seq,
  path: bytes,
  from: bytes.nullable(),
  operation,
  type: fileType.nullable(),
  size: count,
  mtimeNs: decimal.nullable(),
  hash: hash.nullable(),
})

/** What waits for a person's word at a source, or where a binding receives. */
const hold = z.object({
  code: z.enum(['MAX_DELETE', 'FIRST_CONTACT', 'ROOT_CHANGED']),
  message: z.string().max(2000),
  since: timestamp,
  /** Names exactly what is held: an answer to anything else is none. */
  fingerprint: z.string().min(1).max(128),
  /** What is held lies between these seqs, above the one and up to the other: as far as it has any. */
  from: seq,
  to: seq,
  deletes: count,
  updates: count,
  bytes: count,
  sample: z.array(bytes).max(20),
})

const gap = z.object({ path: bytes, since: timestamp, reason: z.string().max(200) })

/** What a source says of itself: sent at connection, and when anything in it but the head changes. */
const sourceReport = z.object({
  type: z.literal('sourceReport'),
  policyId: id,
  sourceId: id,
  epoch: id,
  headSeq: seq,
  viewRevision: count,
  /** Null while the first scan runs. */
  completeAt: timestamp.nullable(),
  /** The head when the first scan ended, where that was since the agent started: full lists reach it at the least. */
  listedSeq: seq.optional(),
  gaps: z.array(gap).max(100),
  fileCount: count,
  totalBytes: count,
  error: reason.nullable(),
  hold: hold.nullable().optional(),
})

/** Changes with `from < seq <= upTo`, in order; moves the head of the source to `upTo`. At most 1,000 a page. */
const changes = z.object({
  type: z.literal('changes'),
  policyId: id,
  sourceId: id,
  epoch: id,
  from: seq,
  upTo: seq,
  records: z.array(changeRecord).max(1000),
})

const pendingEntry = z.object({
  seq,
  path: bytes,
  code: z.string().max(64),
  message: z.string().max(2000),
  /** Absent for what failed. */
  state: z.enum(['failed', 'held', 'kept']).optional(),
})

/** What was applied with less than was sent: how many paths lack it, and those applied last. */
const targetNotes = z.object({
  counts: z.array(z.object({ code: z.string().max(64), count })).max(100),
  newest: z.array(z.object({ seq, path: bytes, code: z.string().max(64) })).max(100),
})

/** What a target durably holds: the receipt. Sent at connection and after every set. */
const targetReport = z.object({
  type: z.literal('targetReport'),
  policyId: id,
  bindingId: id,
  watermark: position.nullable(),
  pendingCount: count,
  /** Some of it, and of what is held or kept, which does not count. */
  pending: z.array(pendingEntry).max(100),
  hold: hold.nullable().optional(),
  /** Absent where nothing is said of it. */
  notes: targetNotes.optional(),
  error: reason.nullable(),
})

/** How one target of a job fares, told by the agent that sends to it. */
const jobReport = z.object({
  type: z.literal('jobReport'),
  jobId: id,
  /** The binding on `serverId` that receives: a server may hold several of one policy. */
  bindingId: id,
  serverId: id,
  state: z.enum(['running', 'done', 'failed']),
  via: id,
  attempts: count,
  bytesOnWire: count,
  entriesApplied: count,
  entriesFailed: count,
  error: reason.nullable(),
})

const hello = z.object({
  type: z.literal('hello'),
  protocol: z.number().int(),
  agentVersion: z.string().max(64),
  roles,
  /** Where this agent's Sync Server is reached, best first. */
  addresses: z.array(address).max(16),
  /** It has none, because nobody can connect to it: it opens a connection to each of its peers instead. */
  dialsOut: z.boolean().optional(),
  platform: z.object({
    os: z.string().max(32),
    architecture: z.string().max(32),
    cpuCount: count,
    memoryBytes: count,
  }),
})

const folderEntry = z.object({ name: bytes, type: fileType })
const filesListed = z.object({
  type: z.literal('filesListed'),
  requestId: id,
  entries: z.array(folderEntry).max(5000),
  error: reason.nullable(),
})

/** Detection was flushed: what was on the disk when the request came is at or below `headSeq`. */
const flushed = z.object({
  type: z.literal('flushed'),
  requestId: id,
  sources: z.array(z.object({ sourceId: id, epoch: id, headSeq: seq })).max(1000),
  error: reason.nullable(),
})

/** What became of a person's word: `changed` where something else is held by now, `unknown` where nothing is. */
const holdResolved = z.object({
  type: z.literal('holdResolved'),
  requestId: id,
  outcome: z.enum(['done', 'changed', 'unknown']),
  /** Where the journal of a source stands now that it is done. */
  position: position.nullable(),
  error: reason.nullable(),
})

/** How the host fared since the figures before. */
const figures = z.object({
  type: z.literal('figures'),
  at: timestamp,
  cpuPercent: z.number().min(0).max(100),
  memoryPercent: z.number().min(0).max(100),
  sessions: count.nullable(),
  load1: z.number().min(0),
  diskFreeBytes: count.nullable(),
  txBytes: count,
  rxBytes: count,
})

const goodbye = z.object({ type: z.literal('goodbye'), reason: z.string().max(200) })

export const agentMessage = z.discriminatedUnion('type', [
  hello,
  sourceReport,
  changes,
  targetReport,
  jobReport,
  filesListed,
  flushed,
  holdResolved,
  filterTried,
  figures,
  goodbye,
])

const filter = z.object({
  include: z.array(z.string().max(1000)).max(100),
  exclude: z.array(z.string().max(1000)).max(100),
  deleteExcluded: z.boolean(),
})
const metadataOptions = z.object({
  owner: z.enum(['id', 'name', 'off']),
  mode: z.boolean(),
  hardLinks: z.boolean(),
  xattrs: z.boolean(),
  acls: z.boolean(),
  sparse: z.boolean(),
})

/** A folder that this agent watches. */
const sourceConfig = z.object({
  policyId: id,
  sourceId: id,
  path: bytes,
  requireMount: z.boolean(),
  filter,
  metadata: metadataOptions,
  viewRevision: count,
  /** How many files may leave before a person is asked; absent or null for any number. */
  deletionLimit: z
    .object({
      count: count.nullable(),
      percent: z.number().min(0).max(100).nullable(),
      windowS: count.min(1),
    })
    .nullable()
    .optional(),
  /** How far the master has recorded this source's changes; null where it knows none. */
  known: position.nullable(),
})

/** A folder that this agent receives into. */
export const targetConfig = z.object({
  policyId: id,
  bindingId: id,
  sourceId: id,
  sourceServerId: id,
  /** The source agent's public key, SPKI, base64: nothing is placed without its signature. */
  sourceKey: z.string().max(1000),
  path: bytes,
  /** Where the policy has several sources: how this one stands to the others at the same root. */
  union: z
    .object({
      order: count,
      conflict: z.enum(['newest', 'sourceOrder']),
      others: z.array(z.object({ bindingId: id, order: count })).max(1000),
    })
    .optional(),
  deletes: z.enum(['mirror', 'keep']),
  firstContact: z.enum(['hold', 'adopt', 'replace']),
  minFreePercent: z.number().min(0).max(100),
  filter,
  metadata: metadataOptions,
  policyRevision: count,
})

/** A row of the routing table. */
export const peer = z.object({
  serverId: id,
  name,
  /** None where it only dials out. */
  addresses: z.array(address).max(16),
  /** How far it is from the one who is told. */
  scope: hopScope.optional(),
  /** What both ends of a plain hop prove themselves with, base64; absent where no hop between the two may be plain. */
  hopKey: z.base64().length(44).optional(),
})

const config = z.object({
  type: z.literal('config'),
  /** Grows with every change; the newest wins. */
  revision: count,
  serverId: id,
  roles,
  sources: z.array(sourceConfig).max(10_000),
  targets: z.array(targetConfig).max(100_000),
  peers: z.array(peer).max(100_000),
  /** PEM of the authority whose certificates are trusted. */
  authorityPem: z.string().max(20_000),
  /** JWK of the key that signs tickets. */
  ticketKey: z.record(z.string(), z.unknown()),
  /** Until when this agent may synchronize without hearing from a licensed master; null: not at all. */
  leaseUntil: timestamp.nullable(),
})

const hop = z.object({
  scope: hopScope,
  method: z.enum(['copy', 'patch']),
  compression: z.number().int().min(0).max(9),
  tls: z.boolean(),
  rateBytesPerS: z.number().positive().nullable(),
})

/** A node of the distribution tree with the ticket that opens its stream. */
export interface JobNode {
  readonly serverId: string
  readonly bindingId: string
  readonly hop: z.infer<typeof hop>
  readonly reason: string
  readonly ticket: string
  readonly children: readonly JobNode[]
}
export const jobNode: z.ZodType<JobNode> = z.lazy(() =>
  z.object({
    serverId: id,
    bindingId: id,
    hop,
    reason: z.string().max(500),
    ticket: z.string().max(8000),
    children: z.array(jobNode).max(1000),
  }),
)

/** Send everything each target lacks, from its own watermark up to `to`. */
const job = z.object({
  type: z.literal('job'),
  jobId: id,
  policyId: id,
  sourceId: id,
  epoch: id,
  to: seq,
  /** The binding of this very server that is sent from, in the stead of the source; absent where that is here. */
  holderId: id.optional(),
  retry: z.object({ attempts: count, backoffMs: count }),
  children: z.array(jobNode).max(1000),
})

/** Hops of streams that the receiver passes on have other options: their rates hold at once. */
export const hops = z.object({
  type: z.literal('hops'),
  jobId: id,
  hops: z.array(z.object({ bindingId: id, hop })).max(1000),
})
export const cancelJob = z.object({
  type: z.literal('cancelJob'),
  jobId: id,
  reason,
  /** Only what is sent to these, and by them to others; all of it where absent. */
  bindingIds: z.array(id).max(1000).optional(),
})

/** The master has recorded the changes of this source up to here. */
const changesRecorded = z.object({
  type: z.literal('changesRecorded'),
  sourceId: id,
  epoch: id,
  upTo: seq,
})
const listFiles = z.object({ type: z.literal('listFiles'), requestId: id, path: bytes })
const flush = z.object({ type: z.literal('flush'), requestId: id, policyId: id })
/** Where something is held. */
const holdPlace = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('source'), sourceId: id }),
  z.object({ kind: z.literal('binding'), bindingId: id }),
])
/** A person's word about what is held. */
export const resolveHold = z.object({
  type: z.literal('resolveHold'),
  requestId: id,
  place: holdPlace,
  fingerprint: z.string().min(1).max(128),
  decision: z.enum(['release', 'keep']),
})
const welcome = z.object({
  type: z.literal('welcome'),
  protocol: z.number().int(),
  masterVersion: z.string().max(64),
  serverId: id,
  time: timestamp,
})
/** The connection ends; `code` says whether coming back makes sense. */
const refused = z.object({
  type: z.literal('refused'),
  code: z.string().max(64),
  message: z.string().max(2000),
})

export const masterMessage = z.discriminatedUnion('type', [
  welcome,
  config,
  job,
  hops,
  cancelJob,
  changesRecorded,
  listFiles,
  flush,
  tryFilter,
  resolveHold,
  refused,
])

export type AgentMessage = z.infer<typeof agentMessage>
export type MasterMessage = z.infer<typeof masterMessage>
export type AgentMessageOf<T extends AgentMessage['type']> = Extract<AgentMessage, { type: T }>
export type MasterMessageOf<T extends MasterMessage['type']> = Extract<MasterMessage, { type: T }>
export type ReportedHold = z.infer<typeof hold>
export type HoldPlace = z.infer<typeof holdPlace>
export type ChangeRecord = z.infer<typeof changeRecord>
export type SourceConfig = z.infer<typeof sourceConfig>
export type TargetConfig = z.infer<typeof targetConfig>
export type TargetNotes = z.infer<typeof targetNotes>
export type Peer = z.infer<typeof peer>
export type Address = z.infer<typeof address>
export type AgentConfig = MasterMessageOf<'config'>
