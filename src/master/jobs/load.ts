import { and, asc, eq, inArray } from 'drizzle-orm'

import type { Reader } from '../db/database.ts'
import {
  bindings,
  jobSources,
  jobTargets,
  jobs,
  policies,
  policySources,
  servers,
  targetStates,
} from '../db/schema.ts'
import { RecentBytes } from './recent-bytes.ts'
import {
  type BindingRuntime,
  DIRECTLY,
  type JobRuntime,
  type PolicyRuntime,
  type SourceRuntime,
} from './runtime.ts'

const OPEN_STATES = ['queued', 'running', 'held'] as const

/** Loads a policy from the database; null where it is gone. Nothing is connected yet. */
export async function loadPolicy(reader: Reader, policyId: string): Promise<PolicyRuntime | null> {
  const [row] = await reader.select().from(policies).where(eq(policies.id, policyId))
  if (row === undefined) return null
  const { mode, recovery, retry, hops, route, metadata } = row.body
  const runtime: PolicyRuntime = {
    policyId,
    name: row.name,
    version: row.version,
    plan: { enabled: row.enabled, mode, recovery: recovery.mode },
    recoverySchedule: recovery.mode === 'reserved' ? recovery.schedule : null,
    retry,
    rules: hops,
    canServe: !(metadata.owner === 'name' && metadata.acls),
    chains: route.kind === 'auto' ? null : route.chains.map(({ servers }) => servers),
    sources: await loadSources(reader, policyId),
    bindings: await loadBindings(reader, policyId),
    jobs: await loadJobs(reader, policyId),
  }
  markRunning(runtime)
  return runtime
}

/** Gives the ids of all policies. */
export async function policyIds(reader: Reader): Promise<string[]> {
  const rows = await reader.select({ id: policies.id }).from(policies)
  return rows.map((row) => row.id)
}

async function loadSources(reader: Reader, policyId: string): Promise<Map<string, SourceRuntime>> {
  const rows = await reader
    .select()
    .from(policySources)
    .where(eq(policySources.policyId, policyId))
    .orderBy(asc(policySources.position))
  return new Map(
    rows.map((row) => {
      const { id: sourceId, serverId, epoch, headSeq, recordedSeq, completeAtMs } = row
      const { gaps, fileCount, totalBytes, error, hold } = row
      const numbers = { epoch, headSeq, recordedSeq, completeAtMs, gaps, fileCount, totalBytes }
      const known = { connected: false, awaySinceMs: null, recentBytes: new RecentBytes() }
      return [sourceId, { sourceId, policyId, serverId, ...known, ...numbers, error, hold }]
    }),
  )
}

async function loadBindings(
  reader: Reader,
  policyId: string,
): Promise<Map<string, BindingRuntime>> {
  const rows = await reader
    .select({ binding: bindings, state: targetStates, mode: servers.mode })
    .from(bindings)
    .innerJoin(servers, eq(servers.id, bindings.serverId))
    .leftJoin(targetStates, eq(targetStates.bindingId, bindings.id))
    .where(eq(bindings.policyId, policyId))
    .orderBy(asc(bindings.id))
  return new Map(rows.map((row) => [row.binding.id, toBinding(row)]))
}

function toBinding(row: {
  binding: typeof bindings.$inferSelect
  state: typeof targetStates.$inferSelect | null
  mode: string
}): BindingRuntime {
  const { binding, state, mode } = row
  const epoch = state?.epoch ?? null
  return {
    bindingId: binding.id,
    policyId: binding.policyId,
    sourceId: binding.sourceId,
    serverId: binding.serverId,
    connected: false,
    awaySinceMs: null,
    reported: false,
    awaitedSinceMs: 0,
    watermarkTold: false,
    drained: mode === 'drained',
    watermark: epoch === null ? null : { epoch, seq: state?.appliedSeq ?? 0 },
    pendingCount: state?.pendingCount ?? 0,
    notes: state?.notes ?? [],
    error: state?.error ?? null,
    hold: state?.hold ?? null,
    lastError: state?.lastError ?? null,
    failures: state?.failures ?? 0,
    wasAway: state?.wasAway ?? false,
    returnedAtMs: state?.returnedAtMs ?? null,
    waivedSeq: state?.waivedSeq ?? null,
    lastTry: null,
    runningJobId: null,
    lostWays: new Map(),
    broken: null,
  }
}

async function loadJobs(reader: Reader, policyId: string): Promise<Map<string, JobRuntime>> {
  const open = await reader
    .select()
    .from(jobs)
    .where(and(eq(jobs.policyId, policyId), inArray(jobs.state, OPEN_STATES)))
    .orderBy(asc(jobs.id))
  const loaded = new Map<string, JobRuntime>()
  for (const job of open) {
    const sources = await reader.select().from(jobSources).where(eq(jobSources.jobId, job.id))
    const targets = await reader.select().from(jobTargets).where(eq(jobTargets.jobId, job.id))
    loaded.set(job.id, {
      jobId: job.id,
      policyId,
      kind: job.kind,
      hold: job.hold,
      isResolving: false,
      to: new Map(sources.map((row) => [row.sourceId, { epoch: row.epoch, seq: row.toSeq }])),
      targets: new Map(
        targets.map(({ bindingId, sourceId, serverId, state, runId, way }) => {
          const times = { heardAtMs: 0, reachedAtMs: null }
          const relayed = { way: { ...DIRECTLY, ...way }, cutOffs: 0, endedAs: null }
          const waits = { progress: null, awaits: null }
          const known = { ...times, ...relayed, ...waits }
          return [bindingId, { bindingId, sourceId, serverId, state, runId, ...known }]
        }),
      ),
    })
  }
  return loaded
}

/** A target that a job was running for is busy until that job's end is known. */
function markRunning(runtime: PolicyRuntime): void {
  for (const job of runtime.jobs.values()) {
    for (const target of job.targets.values()) {
      const binding = runtime.bindings.get(target.bindingId)
      if (binding !== undefined && target.state === 'running') binding.runningJobId = job.jobId
    }
  }
}
