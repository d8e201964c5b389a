import { JobPage } from '../../../views/pages/job.tsx'
import { JobsPage } from '../../../views/pages/jobs.tsx'
import { entryState, jobKind, jobState } from '../api/objects.ts'
import { listJobEntries } from '../use-cases/job-entries.ts'
import {
  approveJob,
  cancelJob,
  getJob,
  listJobTargets,
  listJobs,
  retryJob,
} from '../use-cases/jobs.ts'
import { known, listingOf } from './listing.ts'
import { idsOfJobs, namesOf, policyChoices } from './names.ts'
import { type Act, type Outcome, type Page, type Visit, act, view } from './page.ts'

const STATES = jobState.options
const KINDS = jobKind.options
const ENTRY_STATES = entryState.options

async function showJobs(visit: Visit) {
  const { context, frame } = visit
  const page = await listJobs(context, {
    policyId: visit.query('policyId'),
    serverId: visit.query('serverId'),
    states: known(STATES, visit.query('state')),
    kinds: known(KINDS, visit.query('kind')),
    cursor: visit.query('cursor'),
  })
  return (
    <JobsPage
      frame={frame}
      jobs={listingOf(visit, page)}
      names={await namesOf(context, idsOfJobs(page.items))}
      policies={await policyChoices(context)}
      filter={{
        policyId: visit.query('policyId') ?? '',
        state: visit.query('state') ?? '',
        kind: visit.query('kind') ?? '',
      }}
    />
  )
}

async function showJob(visit: Visit) {
  const { context, frame } = visit
  const jobId = visit.param('id')
  const job = await getJob(context, jobId)
  const targets = await listJobTargets(context, { jobId, cursor: visit.query('targets') })
  const entries = await listJobEntries(context, {
    jobId,
    serverId: visit.query('serverId'),
    states: known(ENTRY_STATES, visit.query('state')),
    cursor: visit.query('entries'),
  })
  const shown = { ...job, targets: targets.items }
  return (
    <JobPage
      frame={frame}
      job={job}
      targets={listingOf(visit, targets, 'targets')}
      entries={listingOf(visit, entries, 'entries')}
      names={await namesOf(context, idsOfJobs([job, shown]))}
      filter={{ serverId: visit.query('serverId') ?? '', state: visit.query('state') ?? '' }}
    />
  )
}

async function cancel({ visit }: Act): Promise<Outcome> {
  const job = await cancelJob(visit.context, visit.actor, visit.param('id'))
  return {
    to: `/jobs/${job.id}`,
    say: 'The job is cancelled. What is missing stays in the backlog.',
  }
}

async function approve({ visit, form }: Act): Promise<Outcome> {
  const jobId = visit.param('id')
  const fingerprint = form.text('fingerprint')
  const job = await approveJob(visit.context, visit.actor, { jobId, fingerprint })
  return { to: `/jobs/${job.id}`, say: 'Your word is taken in. Targets follow the source now.' }
}

async function keep({ visit }: Act): Promise<Outcome> {
  const job = await cancelJob(visit.context, visit.actor, visit.param('id'))
  return { to: `/jobs/${job.id}`, say: 'Targets keep these files.' }
}

async function retry({ visit }: Act): Promise<Outcome> {
  const { jobId } = await retryJob(visit.context, visit.actor, visit.param('id'))
  return { to: `/jobs/${jobId}`, say: 'This is the new job for what was left behind.' }
}

export const jobPages: readonly Page[] = [
  view('/jobs', 'jobs.read', showJobs),
  view('/jobs/:id', 'jobs.read', showJob),
  act({
    path: '/jobs/:id/cancel',
    action: 'jobs.operate',
    objectType: 'job',
    fallback: '/jobs',
    run: cancel,
  }),
  act({
    path: '/jobs/:id/approve',
    action: 'jobs.operate',
    objectType: 'job',
    fallback: '/jobs',
    run: approve,
  }),
  act({
    path: '/jobs/:id/keep',
    action: 'jobs.operate',
    objectType: 'job',
    fallback: '/jobs',
    run: keep,
  }),
  act({
    path: '/jobs/:id/retry',
    action: 'jobs.operate',
    objectType: 'job',
    fallback: '/jobs',
    run: retry,
  }),
]
