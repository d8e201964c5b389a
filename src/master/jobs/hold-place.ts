import type { Position } from '../../core/change/entry.ts'
import type { HoldPlace as WireHoldPlace, ReportedHold } from '../../core/wire/control.ts'
import type { AskedHold } from '../db/reason.ts'
import type { BindingRuntime, JobRuntime, PolicyRuntime, SourceRuntime } from './runtime.ts'
import type { NewJob } from './start.ts'

/** Where something may be held: at a source, which then sends it nowhere, or where one binding receives. */
export type HoldPlace =
  | { readonly kind: 'source'; readonly policy: PolicyRuntime; readonly source: SourceRuntime }
  | {
      readonly kind: 'binding'
      readonly policy: PolicyRuntime
      readonly source: SourceRuntime
      readonly binding: BindingRuntime
    }

/** What is held there now; null for nothing. */
export function holdAt(place: HoldPlace): ReportedHold | null {
  return place.kind === 'source' ? place.source.hold : place.binding.hold
}

/** The server whose agent is asked. */
export function serverOf(place: HoldPlace): string {
  return place.kind === 'source' ? place.source.serverId : place.binding.serverId
}

/** The place as its agent knows it. */
export function wirePlace(place: HoldPlace): WireHoldPlace {
  if (place.kind === 'source') return { kind: 'source', sourceId: place.source.sourceId }
  return { kind: 'binding', bindingId: place.binding.bindingId }
}

/** A hold as the job that asks about it keeps it. */
export function askedHold(place: HoldPlace, hold: ReportedHold): AskedHold {
  return place.kind === 'source' ? hold : { ...hold, bindingId: place.binding.bindingId }
}

/** Tells whether a job asks about what is held there. */
export function asksAbout(place: HoldPlace, job: JobRuntime): boolean {
  if (job.hold === null) return false
  if (place.kind === 'binding') return job.hold.bindingId === place.binding.bindingId
  return job.hold.bindingId === undefined && job.to.has(place.source.sourceId)
}

/** Where that is held which a job asks about; null where that place is none any more. */
export function placeOfJob(policy: PolicyRuntime, job: JobRuntime): HoldPlace | null {
  const bindingId = job.hold?.bindingId
  const binding = policy.bindings.get(bindingId ?? '') ?? null
  const [sourceId = ''] = job.to.keys()
  const source = policy.sources.get(binding?.sourceId ?? sourceId)
  if (job.hold === null || source === undefined) return null
  if (bindingId === undefined) return { kind: 'source', policy, source }
  return binding === null ? null : { kind: 'binding', policy, source, binding }
}

/** The job that asks: what a source holds concerns all its targets, what a target holds itself alone. */
export function askingJob(place: HoldPlace): Omit<NewJob, 'ways'> {
  const { policy, source } = place
  if (place.kind === 'binding')
    return { kind: 'initial', trigger: 'firstContact', state: 'held', bindings: [place.binding] }
  const bindings = [...policy.bindings.values()].filter((one) => one.sourceId === source.sourceId)
  return { kind: 'realtime', trigger: 'change', state: 'held', bindings }
}

/** Up to where a released job goes: to where the source says that it stands, else to all that is known of it. */
export function goalOf({ source }: HoldPlace, position: Position | null): Position {
  return position ?? { epoch: source.epoch ?? '', seq: source.headSeq }
}
