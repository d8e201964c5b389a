import { and, eq } from 'drizzle-orm'

import { jobSources } from '../db/schema.ts'
import type { JobRuntime, PolicyRuntime, SourceRuntime } from './runtime.ts'
import { countEntries } from './start.ts'
import type { Work } from './work.ts'

interface Place {
  readonly policy: PolicyRuntime
  readonly source: SourceRuntime
}

/**
 * A source that is looked through for the first time belongs, with all that is found, to the jobs that send the list of
 * it: their goal grows, up to what the list is sure to reach.
 */
export function extendLists(work: Work, place: Place, upTo: number): void {
  const { source } = place
  for (const job of listingJobs(place)) {
    const to = job.to.get(source.sourceId)
    if (to === undefined || to.epoch !== source.epoch || to.seq >= upTo) continue
    job.to.set(source.sourceId, { epoch: to.epoch, seq: upTo })
    const ofSource = eq(jobSources.sourceId, source.sourceId)
    const which = and(eq(jobSources.jobId, job.jobId), ofSource)
    work.write(async (writer) => {
      await writer.update(jobSources).set({ toSeq: upTo }).where(which)
      await countEntries(writer, job.jobId)
    })
  }
}

/** Counts anew what such jobs send where changes were recorded that their goal covered already. */
export function recountLists(work: Work, place: Place, recordedFrom: number): void {
  for (const { jobId, to } of listingJobs(place)) {
    if ((to.get(place.source.sourceId)?.seq ?? 0) <= recordedFrom) continue
    work.write((writer) => countEntries(writer, jobId))
  }
}

function listingJobs({ policy, source }: Place): JobRuntime[] {
  return [...policy.jobs.values()].filter(
    ({ kind, to, hold }) => kind === 'initial' && hold === null && to.has(source.sourceId),
  )
}
