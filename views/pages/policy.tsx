import type { Child } from 'hono/jsx'

import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { StateBar } from '../parts/bar.tsx'
import { Act, Ask, TextField } from '../parts/form.tsx'
import { byteSize, count, duration, plural } from '../parts/format.ts'
import { NameLink } from '../parts/name.tsx'
import { Note, TargetTexts } from '../parts/note.tsx'
import { worstFirst } from '../parts/severity.ts'
import { Status, StatusPill } from '../parts/status.tsx'
import { Card, Empty, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { ConvergenceView, JobView, Names, SourceView, TargetView } from '../types.ts'
import { HeldLink } from './attention.tsx'
import { JobRow } from './jobs.tsx'

export interface PolicyHead {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly mode: string
  readonly deletes: string
  readonly pauseReason: string | null
  readonly warnings: readonly string[]
}

export interface PolicyProps {
  readonly frame: Frame
  readonly policy: PolicyHead
  readonly convergence: ConvergenceView
  readonly state: string
  readonly jobs: readonly JobView[]
  readonly names: Names
}

export const PolicyPage = (props: PolicyProps) => (
  <PolicyLayout {...props} live={['convergence', 'policy', 'server', 'job']}>
    <Summary {...props} />
    <TargetsCard {...props} />
    <div class="columns">
      <JobsCard {...props} />
      <SourcesCard {...props} />
    </div>
    <DangerCard {...props} />
  </PolicyLayout>
)

interface PolicyLayoutProps {
  readonly frame: Frame
  readonly policy: PolicyHead
  readonly state: string
  readonly live?: readonly string[]
  readonly children: Child
}

/** The head that all pages of one policy share. */
export const PolicyLayout = (props: PolicyLayoutProps) => {
  const { frame, policy } = props
  return (
    <Layout
      frame={frame}
      title={policy.name}
      status={<StatusPill state={policy.enabled ? props.state : 'paused'} />}
      crumbs={[{ href: '/policies', label: 'Policies' }]}
      actions={frame.may.operate ? <Actions frame={frame} policy={policy} /> : null}
      {...(props.live === undefined ? {} : { live: props.live })}
    >
      <PolicyTabs frame={frame} policy={policy} />
      {policy.enabled ? null : <PausedNote policy={policy} />}
      {props.state === 'held' ? <HeldNote policy={policy} /> : null}
      {policy.warnings.map((warning) => (
        <Note tone="warn">
          <p>{warning}</p>
        </Note>
      ))}
      {props.children}
    </Layout>
  )
}

const PolicyTabs = ({ frame, policy }: { frame: Frame; policy: PolicyHead }) => {
  const base = `/policies/${policy.id}`
  const here = frame.url.split('?')[0]
  const tab = (href: string, label: string) => (
    <a href={href} aria-current={href === here ? 'page' : undefined}>
      {label}
    </a>
  )
  return (
    <nav class="tabs" aria-label="Parts of this policy">
      {tab(base, 'State')}
      {tab(`${base}/route`, 'Route')}
      <a href={`/jobs?policyId=${policy.id}`}>Jobs</a>
      {frame.may.administer ? tab(`${base}/edit`, 'Settings') : null}
    </nav>
  )
}

const PausedNote = ({ policy }: { policy: PolicyHead }) => (
  <Note tone="busy">
    <p>
      Paused{policy.pauseReason ? `: ${policy.pauseReason}` : ''}. Changes are still found and kept
      in order; nothing is sent until it is resumed.
    </p>
  </Note>
)

const HeldNote = ({ policy }: { policy: PolicyHead }) => (
  <Note tone="warn">
    <p>Something is held until a person says so; all else goes on being sent.</p>
    <p>
      <HeldLink policyId={policy.id} />
    </p>
  </Note>
)

const Actions = ({ frame, policy }: { frame: Frame; policy: PolicyHead }) => (
  <>
    {policy.enabled ? (
      <>
        <Act
          action={`/policies/${policy.id}/sync`}
          csrf={frame.csrf}
          label="Sync now"
          kind="main"
        />
        <Ask
          id="pause"
          action={`/policies/${policy.id}/pause`}
          csrf={frame.csrf}
          label="Pause"
          title={`Pause ${policy.name}?`}
          confirm="Pause it"
        >
          <p>
            Nothing is sent any more until it is resumed; running jobs stop. Changes go on being
            found, so nothing is lost. Files on the targets stay as they are.
          </p>
          <TextField label="Reason" name="reason" hint="Shown to whoever comes next" />
        </Ask>
      </>
    ) : (
      <Act action={`/policies/${policy.id}/resume`} csrf={frame.csrf} label="Resume" kind="main" />
    )}
  </>
)

const Summary = ({ convergence, policy }: PolicyProps) => {
  const files = convergence.sources.reduce((sum, source) => sum + source.fileCount, 0)
  const bytes = convergence.sources.reduce((sum, source) => sum + source.totalBytes, 0)
  const lagMs = convergence.targets.reduce((most, target) => Math.max(most, target.lagMs), 0)
  const failed = convergence.targets.reduce((sum, target) => sum + target.failedEntries, 0)
  return (
    <section class="card">
      <dl class="figures">
        <div class="figure">
          <dt>Content</dt>
          <dd>
            {count(files)} <small>files, {byteSize(bytes)}</small>
          </dd>
        </div>
        <div class="figure">
          <dt>Targets in step</dt>
          <dd>
            {count(convergence.targetCounts['converged'] ?? 0)}{' '}
            <small>of {count(convergence.targets.length)}</small>
          </dd>
        </div>
        <div class="figure">
          <dt>Oldest change not there</dt>
          <dd>{lagMs === 0 ? <span class="faint">none</span> : duration(lagMs)}</dd>
        </div>
        <div class="figure">
          <dt>Entries that failed</dt>
          <dd>{failed === 0 ? <span class="faint">none</span> : count(failed)}</dd>
        </div>
        <div class="figure">
          <dt>Runs</dt>
          <dd>
            {policy.mode}{' '}
            <small>{policy.deletes === 'keep' ? 'keeps deleted files' : 'mirrors deletions'}</small>
          </dd>
        </div>
      </dl>
    </section>
  )
}

const TargetsCard = ({ convergence, names }: PolicyProps) => (
  <Card title="Targets" actions={<StateBar counts={convergence.targetCounts} />}>
    {convergence.targets.length === 0 ? (
      <Empty title="No server is a target yet">
        <p>The group or region it names has no server that may receive.</p>
      </Empty>
    ) : (
      <Table
        caption="Targets and how far each is"
        columns={['Server', 'State', 'Folder', '#Behind by', '#Failed', '#Oldest', 'Why']}
      >
        {worstFirst(convergence.targets).map((target) => (
          <TargetRow target={target} names={names} />
        ))}
      </Table>
    )}
  </Card>
)

const TargetRow = ({ target, names }: { target: TargetView; names: Names }) => (
  <tr>
    <th scope="row">
      <NameLink id={target.serverId} names={names} base="/servers" />
      {target.connected ? null : <div class="hint nowrap">not connected</div>}
    </th>
    <td>
      <Status state={target.state} />
    </td>
    <td class="mono break">{target.path}</td>
    <td class="number">
      {target.backlogEntries === 0 ? (
        <span class="faint">—</span>
      ) : (
        <>
          {plural(target.backlogEntries, 'entry', 'entries')}
          <div class="hint">{byteSize(target.backlogBytes)}</div>
        </>
      )}
    </td>
    <td class="number">
      {target.failedEntries === 0 ? <span class="faint">—</span> : count(target.failedEntries)}
    </td>
    <td class="number">
      {target.lagMs === 0 ? <span class="faint">—</span> : duration(target.lagMs)}
    </td>
    <td>
      <TargetTexts target={target} />
    </td>
  </tr>
)

const SourcesCard = ({ convergence, names, frame }: PolicyProps) => (
  <Card title="Sources">
    {convergence.sources.map((source) => (
      <SourcePart source={source} names={names} nowMs={frame.nowMs} />
    ))}
  </Card>
)

const SourcePart = ({
  source,
  names,
  nowMs,
}: {
  source: SourceView
  names: Names
  nowMs: number
}) => (
  <div class="card-body stack">
    <div class="row">
      <span class="strong">
        <NameLink id={source.serverId} names={names} base="/servers" />
      </span>
      <Status
        state={source.connected ? 'up' : 'down'}
        word={source.connected ? 'Connected' : 'Not connected'}
      />
    </div>
    <dl class="facts">
      <dt>Folder</dt>
      <dd class="mono">{source.path}</dd>
      <dt>Complete as of</dt>
      <dd>
        <Time at={source.completeAt} nowMs={nowMs} />
      </dd>
      <dt>Changes</dt>
      <dd>up to number {count(source.headSeq)}</dd>
    </dl>
    {source.gaps.length === 0 ? null : (
      <Note tone="warn">
        <p>
          {plural(source.gaps.length, 'part')} of the folder is being looked at again:{' '}
          {source.gaps
            .slice(0, 3)
            .map((gap) => `${gap.path === '' ? 'everything' : gap.path} (${gap.reason})`)
            .join(', ')}
          .
        </p>
      </Note>
    )}
    {source.error === null ? null : (
      <Note tone="bad">
        <p>{source.error.message}.</p>
        <p>{source.error.action}</p>
      </Note>
    )}
  </div>
)

const JobsCard = ({ jobs, names, frame, policy }: PolicyProps) => (
  <Card title="Latest jobs" actions={<a href={`/jobs?policyId=${policy.id}`}>All its jobs</a>}>
    {jobs.length === 0 ? (
      <Empty title="No job yet">
        <p>
          {policy.enabled
            ? 'The first one starts as soon as the source has been read.'
            : 'Resume the policy to start the first one.'}
        </p>
      </Empty>
    ) : (
      <Table
        caption="Latest jobs of this policy"
        columns={['Job', 'State', 'Targets', '#Entries', 'Started']}
      >
        {jobs.map((job) => (
          <JobRow job={job} names={names} nowMs={frame.nowMs} brief />
        ))}
      </Table>
    )}
  </Card>
)

const DangerCard = ({ frame, policy, convergence }: PolicyProps) =>
  frame.may.administer ? (
    <div class="row">
      <Ask
        id="delete"
        action={`/policies/${policy.id}/delete`}
        csrf={frame.csrf}
        label="Delete this policy"
        title={`Delete ${policy.name}?`}
        confirm="Delete the policy"
        danger
        small
      >
        <p>
          The policy, its jobs and its history go. Files stay where they are, on the source and on{' '}
          {plural(convergence.targets.length, 'target')}; from then on nothing keeps them in step.
        </p>
      </Ask>
    </div>
  ) : null
