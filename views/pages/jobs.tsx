import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { StateBar } from '../parts/bar.tsx'
import { type Option, SelectField } from '../parts/form.tsx'
import { byteSize, count } from '../parts/format.ts'
import { NameLink } from '../parts/name.tsx'
import { Status, wordOf } from '../parts/status.tsx'
import { Card, Empty, Pager, Table } from '../parts/table.tsx'
import { Time, Took } from '../parts/time.tsx'
import type { JobView, Listing, Named, Names } from '../types.ts'

/** What a kind of job is for, said for people. */
const KIND_WORDS: Readonly<Record<string, string>> = {
  initial: 'First run',
  realtime: 'Realtime',
  manual: 'By hand',
  reserved: 'Scheduled',
  recovery: 'Recovery',
  verify: 'Verification',
  repair: 'Repair',
  preview: 'Preview',
  restore: 'Restore',
}

export function kindWord(kind: string): string {
  return KIND_WORDS[kind] ?? kind
}

export interface JobsProps {
  readonly frame: Frame
  readonly jobs: Listing<JobView>
  readonly names: Names
  readonly policies: readonly Named[]
  readonly filter: { readonly policyId: string; readonly state: string; readonly kind: string }
}

const STATES = ['queued', 'running', 'held', 'done', 'partial', 'failed', 'cancelled']
const KINDS = ['initial', 'realtime', 'manual', 'recovery']

export const JobsPage = (props: JobsProps) => (
  <Layout
    frame={props.frame}
    title="Jobs"
    about="Every movement of files: what was sent, to whom, and how it ended."
    live={['job']}
  >
    <Filters {...props} />
    <>
      <Card>
        {props.jobs.items.length === 0 ? (
          <NoJobs filtered={Object.values(props.filter).some((value) => value !== '')} />
        ) : (
          <Table
            caption="Jobs, newest first"
            columns={['Job', 'Policy', 'State', 'Targets', '#Entries', '#Size', 'Started', 'Took']}
          >
            {props.jobs.items.map((job) => (
              <JobRow job={job} names={props.names} nowMs={props.frame.nowMs} />
            ))}
          </Table>
        )}
        <Pager listing={props.jobs} />
      </Card>
    </>
  </Layout>
)

const Filters = ({ filter, policies }: JobsProps) => (
  <form method="get" action="/jobs" class="filters" aria-label="Filter jobs">
    <SelectField
      label="Policy"
      name="policyId"
      value={filter.policyId}
      options={options(policies)}
      submits
    />
    <SelectField label="State" name="state" value={filter.state} options={states()} submits />
    <SelectField label="Kind" name="kind" value={filter.kind} options={kinds()} submits />
    <button class="button needs-no-script">Filter</button>
  </form>
)

function options(policies: readonly Named[]): readonly Option[] {
  return [
    { value: '', label: 'Any' },
    ...policies.map(({ id, name }) => ({ value: id, label: name })),
  ]
}

function states(): readonly Option[] {
  return [
    { value: '', label: 'Any' },
    ...STATES.map((state) => ({ value: state, label: wordOf(state) })),
  ]
}

function kinds(): readonly Option[] {
  return [
    { value: '', label: 'Any' },
    ...KINDS.map((kind) => ({ value: kind, label: kindWord(kind) })),
  ]
}

const NoJobs = ({ filtered }: { filtered: boolean }) =>
  filtered ? (
    <Empty title="No job fits">
      <a href="/jobs">Show all jobs</a>
    </Empty>
  ) : (
    <Empty title="No job yet">
      <p>Jobs appear here by themselves as soon as an active policy has something to send.</p>
      <a class="button" href="/policies">
        Go to the policies
      </a>
    </Empty>
  )

interface JobRowProps {
  readonly job: JobView
  readonly names: Names
  readonly nowMs: number
  /** Leaves out what the overview has no room for. */
  readonly brief?: boolean
}

export const JobRow = ({ job, names, nowMs, brief }: JobRowProps) => (
  <tr id={`job-${job.id}`}>
    <th scope="row">
      <a href={`/jobs/${job.id}`}>{kindWord(job.kind)}</a>
      {brief === true ? (
        <span class="hint">
          {' '}
          <NameLink id={job.policyId} names={names} base="/policies" />
        </span>
      ) : null}
    </th>
    {brief === true ? null : (
      <td>
        <NameLink id={job.policyId} names={names} base="/policies" />
      </td>
    )}
    <td>
      <Status state={job.state} />
    </td>
    <td>
      <StateBar counts={job.targetCounts} />
    </td>
    <td class="number">{count(job.entries)}</td>
    {brief === true ? null : <td class="number">{byteSize(job.bytes)}</td>}
    <td>
      <Time at={job.startedAt ?? job.createdAt} nowMs={nowMs} />
    </td>
    {brief === true ? null : (
      <td>
        <Took from={job.startedAt} to={job.endedAt} nowMs={nowMs} />
      </td>
    )}
  </tr>
)
