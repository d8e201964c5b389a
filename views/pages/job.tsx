import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { StateBar } from '../parts/bar.tsx'
import { Act, Ask, type Option, SelectField } from '../parts/form.tsx'
import { byteSize, count, plural } from '../parts/format.ts'
import { NameLink, shortId } from '../parts/name.tsx'
import { ReasonText } from '../parts/note.tsx'
import { Status, StatusPill, wordOf } from '../parts/status.tsx'
import { Card, Empty, Pager, Table } from '../parts/table.tsx'
import { Time, Took } from '../parts/time.tsx'
import type { EntryView, JobTargetView, JobView, Listing, Names } from '../types.ts'
import { HoldCard } from './hold.tsx'
import { kindWord } from './jobs.tsx'

export interface JobProps {
  readonly frame: Frame
  readonly job: JobView
  readonly targets: Listing<JobTargetView>
  readonly entries: Listing<EntryView>
  readonly names: Names
  readonly filter: { readonly serverId: string; readonly state: string }
}

const OPEN = new Set(['queued', 'running', 'held'])
const RETRYABLE = new Set(['failed', 'partial', 'cancelled'])

export const JobPage = (props: JobProps) => {
  const { job, frame, names } = props
  return (
    <Layout
      frame={frame}
      title={`${kindWord(job.kind)} ${shortId(job.id)}`}
      status={<StatusPill state={job.state} />}
      crumbs={[
        { href: '/jobs', label: 'Jobs' },
        { href: `/jobs?policyId=${job.policyId}`, label: names.get(job.policyId) ?? 'Policy' },
      ]}
      actions={frame.may.operate ? <JobActions {...props} /> : null}
      live={['job']}
    >
      <>
        {job.hold === null ? null : <HoldCard {...props} hold={job.hold} />}
        <Figures {...props} />
        <TargetsCard {...props} />
        <EntriesCard {...props} />
      </>
    </Layout>
  )
}

const JobActions = ({ job, frame }: JobProps) => (
  <>
    {RETRYABLE.has(job.state) ? (
      <Act action={`/jobs/${job.id}/retry`} csrf={frame.csrf} label="Try again" kind="main" />
    ) : null}
    {OPEN.has(job.state) && job.hold === null ? (
      <Ask
        id="cancel"
        action={`/jobs/${job.id}/cancel`}
        csrf={frame.csrf}
        label="Cancel"
        title="Cancel this job?"
        confirm="Cancel the job"
        danger
      >
        <p>
          {plural(job.entries, 'entry', 'entries')} ({byteSize(job.bytes)}) to{' '}
          {plural(
            Object.values(job.targetCounts).reduce((sum, amount) => sum + amount, 0),
            'target',
          )}{' '}
          stop where they are. Files that arrived stay; nothing is deleted. What is missing stays in
          the backlog and comes with the next job.
        </p>
      </Ask>
    ) : null}
  </>
)

const Figures = ({ job, frame, names }: JobProps) => (
  <section class="card">
    <dl class="figures">
      <div class="figure">
        <dt>Entries</dt>
        <dd>
          {count(job.entries)} <small>{byteSize(job.bytes)}</small>
        </dd>
      </div>
      <div class="figure">
        <dt>On the wire</dt>
        <dd>
          {job.targets.length === 0 ? (
            <span class="faint">see the targets</span>
          ) : (
            byteSize(job.targets.reduce((sum, target) => sum + target.bytesOnWire, 0))
          )}
        </dd>
      </div>
      <div class="figure">
        <dt>Started</dt>
        <dd>
          <Time at={job.startedAt} nowMs={frame.nowMs} />
        </dd>
      </div>
      <div class="figure">
        <dt>Took</dt>
        <dd>
          <Took from={job.startedAt} to={job.endedAt} nowMs={frame.nowMs} />
        </dd>
      </div>
    </dl>
    <div class="card-foot">
      <dl class="facts">
        <dt>From</dt>
        <dd>
          {job.sources.map((source) => (
            <span class="row">
              <NameLink id={source.serverId} names={names} base="/servers" />
              <span class="hint">
                changes {count(source.from)} to {count(source.to)}
              </span>
            </span>
          ))}
        </dd>
        <dt>Because of</dt>
        <dd>{TRIGGER_WORDS[job.trigger] ?? job.trigger}</dd>
        {job.error === null ? null : (
          <>
            <dt>Error</dt>
            <dd>
              <ReasonText reason={job.error} />
            </dd>
          </>
        )}
      </dl>
    </div>
  </section>
)

const TRIGGER_WORDS: Readonly<Record<string, string>> = {
  change: 'changes at the source',
  firstContact: 'a target that was new',
  person: 'a person who started it',
  return: 'a target that came back',
  retry: 'another try at what failed',
  schedule: 'its schedule',
}

const TargetsCard = (props: JobProps) => (
  <Card title="Targets" actions={<StateBar counts={props.job.targetCounts} />}>
    {props.targets.items.length === 0 ? (
      <Empty title="No target">
        <p>This job has nothing to send to.</p>
      </Empty>
    ) : (
      <Table
        caption="Targets of this job"
        columns={[
          'Server',
          'State',
          'Through',
          '#Applied',
          '#Failed',
          '#On the wire',
          '#Tries',
          'Error',
        ]}
      >
        {props.targets.items.map((target) => (
          <TargetRow target={target} names={props.names} />
        ))}
      </Table>
    )}
    <Pager listing={props.targets} />
  </Card>
)

const TargetRow = ({ target, names }: { target: JobTargetView; names: Names }) => (
  <tr>
    <th scope="row">
      <NameLink id={target.serverId} names={names} base="/servers" />
    </th>
    <td>
      <Status state={target.state} />
    </td>
    <td>
      {target.via === null ? (
        <span class="faint">—</span>
      ) : (
        <span class="row">
          {names.get(target.via) ?? shortId(target.via)}
          {target.why === null ? null : <span class="hint">{target.why}</span>}
        </span>
      )}
    </td>
    <td class="number">{count(target.entriesApplied)}</td>
    <td class="number">{count(target.entriesFailed)}</td>
    <td class="number">{byteSize(target.bytesOnWire)}</td>
    <td class="number">{target.attempts}</td>
    <td>
      <ReasonText reason={target.error} />
    </td>
  </tr>
)

const ENTRY_STATES = ['queued', 'sent', 'applied', 'failed', 'held', 'kept', 'superseded']

const EntriesCard = (props: JobProps) => (
  <Card title="Entries" actions={<EntryFilter {...props} />} id="entries">
    {props.entries.items.length === 0 ? (
      <Empty title="Nothing here">
        <p>No entry of this job fits, or its entries were cleared away with age.</p>
      </Empty>
    ) : (
      <Table
        caption="Entries of this job"
        columns={['Path', 'What', 'To', 'State', '#Size', 'Recorded', 'Error']}
      >
        {props.entries.items.map((entry) => (
          <EntryRow entry={entry} names={props.names} nowMs={props.frame.nowMs} />
        ))}
      </Table>
    )}
    <Pager listing={props.entries} />
  </Card>
)

const EntryFilter = ({ job, filter, targets, names }: JobProps) => (
  <form method="get" action={`/jobs/${job.id}#entries`} class="filters" aria-label="Filter entries">
    <SelectField
      label="Server"
      name="serverId"
      value={filter.serverId}
      options={serverOptions(targets.items, names)}
      submits
    />
    <SelectField label="State" name="state" value={filter.state} options={stateOptions()} submits />
    <button class="button needs-no-script">Filter</button>
  </form>
)

function serverOptions(targets: readonly JobTargetView[], names: Names): readonly Option[] {
  const ids = [...new Set(targets.map((target) => target.serverId))]
  return [
    { value: '', label: 'Any' },
    ...ids.map((id) => ({ value: id, label: names.get(id) ?? shortId(id) })),
  ]
}

function stateOptions(): readonly Option[] {
  return [
    { value: '', label: 'Any' },
    ...ENTRY_STATES.map((state) => ({ value: state, label: wordOf(state) })),
  ]
}

interface EntryRowProps {
  readonly entry: EntryView
  readonly names: Names
  readonly nowMs: number
}

const EntryRow = ({ entry, names, nowMs }: EntryRowProps) => (
  <tr>
    <th scope="row" class="mono break">
      {entry.from === undefined ? null : (
        <span class="faint">
          {entry.from}
          {' → '}
        </span>
      )}
      {entry.path}
    </th>
    <td class="nowrap">
      {entry.op}
      {entry.type === null ? null : <span class="hint"> {entry.type}</span>}
    </td>
    <td>{names.get(entry.serverId) ?? shortId(entry.serverId)}</td>
    <td>
      <Status state={entry.state} />
    </td>
    <td class="number">
      {entry.type === 'file' ? byteSize(entry.size) : <span class="faint">—</span>}
    </td>
    <td>
      <Time at={entry.changed} nowMs={nowMs} />
    </td>
    <td>
      {entry.error === null && entry.notes.length > 0 ? null : <ReasonText reason={entry.error} />}
      {entry.notes.map((note) => (
        <ReasonText reason={note} />
      ))}
    </td>
  </tr>
)
