import { z } from 'zod'

import type { ReportedHold } from '../../core/wire/control.ts'
import { iso } from '../../platform/clock.ts'
import type { Role } from '../identity.ts'
import type { AgentView } from './agent.ts'

/**
 * What a running agent tells about itself to people on its host: `cd-agent status` reads it from a file of the data
 * folder, so that it costs the agent nothing and works however the agent is.
 */
const failure = z.object({ code: z.string(), message: z.string() })
const time = z.string()

const sourceStatus = z.object({
  policyId: z.string(),
  sourceId: z.string(),
  path: z.string(),
  epoch: z.string().nullable(),
  headSeq: z.number(),
  /** Up to where the master has recorded its changes. */
  recordedSeq: z.number(),
  completeAt: time.nullable(),
  gapCount: z.number(),
  /** Of these parts of the folder it is not known whether they changed since then. */
  gaps: z.array(z.object({ path: z.string(), since: time, reason: z.string() })).default([]),
  fileCount: z.number(),
  totalBytes: z.number(),
  /** What waits for a person's word. */
  hold: failure.nullable(),
  error: failure.nullable(),
})

const targetStatus = z.object({
  policyId: z.string(),
  bindingId: z.string(),
  path: z.string(),
  epoch: z.string().nullable(),
  appliedSeq: z.number().nullable(),
  pendingCount: z.number(),
  /** What was applied with less than was sent, by code. */
  notes: z.array(z.object({ code: z.string(), count: z.number() })),
  /** What waits for a person's word. */
  hold: failure.nullable(),
  error: failure.nullable(),
})

export const agentStatus = z.object({
  pid: z.number(),
  version: z.string(),
  serverId: z.string(),
  name: z.string(),
  at: time,
  connection: z.object({
    state: z.enum(['connecting', 'connected', 'revoked', 'stopped']),
    master: z.string().nullable(),
    since: time.nullable(),
    error: failure.nullable(),
  }),
  roles: z.array(z.string()),
  configRevision: z.number().nullable(),
  lease: z.object({ until: time.nullable(), holds: z.boolean() }),
  syncServer: z
    .object({
      pid: z.number().nullable(),
      port: z.number().nullable(),
      restarts: z.number(),
      /** With how many peers it is registered, where it only dials out; else null. */
      registeredCount: z.number().nullable().default(null),
    })
    .nullable(),
  runningJobs: z.array(z.string()),
  sources: z.array(sourceStatus),
  targets: z.array(targetStatus),
})

export type AgentStatus = z.infer<typeof agentStatus>
type SourceStatus = z.infer<typeof sourceStatus>
type TargetStatus = z.infer<typeof targetStatus>

export interface StatusSubject {
  readonly serverId: string
  readonly name: string
  readonly version: string
  readonly pid: number
  readonly roles: readonly Role[]
}

/** Puts an agent's view of itself into the form that is kept and shown. */
export function describeStatus(
  subject: StatusSubject,
  view: AgentView,
  nowMs: number,
): AgentStatus {
  return {
    pid: subject.pid,
    version: subject.version,
    serverId: subject.serverId,
    name: subject.name,
    at: iso(nowMs),
    connection: describeConnection(view),
    roles: [...(view.effective?.roles ?? subject.roles)],
    configRevision: view.config?.revision ?? null,
    lease: { until: view.config?.leaseUntil ?? null, holds: view.leaseHolds },
    syncServer: view.syncServer,
    runningJobs: [...view.runningJobs],
    sources: describeSources(view),
    targets: describeTargets(view),
  }
}

function describeConnection({ control }: AgentView): AgentStatus['connection'] {
  const { kind: state } = control
  const nothing = { master: null, since: null, error: null }
  if (control.kind === 'connected')
    return { state, master: control.master, since: iso(control.sinceMs), error: null }
  if (control.kind === 'connecting') return { ...nothing, state, error: control.lastError }
  return { ...nothing, state, error: control.kind === 'revoked' ? control.reason : null }
}

function describeSources(view: AgentView): SourceStatus[] {
  const reports = new Map(
    view.reports.flatMap((each) => (each.type === 'sourceReport' ? [[each.sourceId, each]] : [])),
  )
  return (view.config?.sources ?? []).map(({ policyId, sourceId, path }) => {
    const report = reports.get(sourceId)
    return {
      policyId,
      sourceId,
      path: readable(path),
      epoch: report?.epoch ?? null,
      headSeq: view.headSeq(sourceId) ?? report?.headSeq ?? 0,
      recordedSeq: view.recorded.get(sourceId) ?? 0,
      completeAt: report?.completeAt ?? null,
      gapCount: report?.gaps.length ?? 0,
      gaps: (report?.gaps ?? []).map((gap) => ({ ...gap, path: readable(gap.path) })),
      fileCount: report?.fileCount ?? 0,
      totalBytes: report?.totalBytes ?? 0,
      hold: describeHold(report?.hold),
      error: report?.error ?? null,
    }
  })
}

function describeTargets(view: AgentView): TargetStatus[] {
  const reports = new Map(
    view.reports.flatMap((each) => (each.type === 'targetReport' ? [[each.bindingId, each]] : [])),
  )
  return (view.config?.targets ?? []).map(({ policyId, bindingId, path }) => {
    const report = reports.get(bindingId)
    return {
      policyId,
      bindingId,
      path: readable(path),
      epoch: report?.watermark?.epoch ?? null,
      appliedSeq: report?.watermark?.seq ?? null,
      pendingCount: report?.pendingCount ?? 0,
      notes: report?.notes?.counts ?? [],
      hold: describeHold(report?.hold),
      error: report?.error ?? null,
    }
  })
}

function describeHold(hold: ReportedHold | null | undefined): TargetStatus['hold'] {
  return hold == null ? null : { code: hold.code, message: hold.message }
}

/** A path travels as one character a byte; people read it as UTF-8. */
function readable(path: string): string {
  return Buffer.from(path, 'latin1').toString()
}
