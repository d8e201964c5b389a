import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { StateBar } from '../parts/bar.tsx'
import { byteSize, count, duration, plural } from '../parts/format.ts'
import { NameLink } from '../parts/name.tsx'
import { worstFirst } from '../parts/severity.ts'
import { Status, StatusShape, toneOf } from '../parts/status.tsx'
import { Card, Empty, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { ConvergenceView, JobView, Names, ServerView } from '../types.ts'
import { AttentionCard, mattersOf } from './attention.tsx'
import { JobRow } from './jobs.tsx'

export interface OverviewProps {
  readonly frame: Frame
  readonly convergence: readonly PolicyLine[]
  readonly serverCounts: Readonly<Record<string, number>>
  /** Servers that are not as they should be, the first few. */
  readonly troubled: readonly ServerView[]
  readonly jobs: readonly JobView[]
  readonly names: Names
  /** Null once everything needed is there. */
  readonly steps: readonly Step[] | null
}

/** One policy in the overview: its state as a whole in one word. */
export interface PolicyLine extends ConvergenceView {
  readonly enabled: boolean
  readonly state: string
}

export interface Step {
  readonly done: boolean
  readonly title: string
  readonly about: string
  readonly href: string
  readonly label: string
}

export const OverviewPage = (props: OverviewProps) => (
  <Layout
    frame={props.frame}
    title="Overview"
    live={['convergence', 'server', 'policy', 'job', 'license']}
  >
    <>
      <Headline {...props} />
      {props.steps === null ? null : <Steps steps={props.steps} />}
      <AttentionCard matters={mattersOf(props.convergence)} names={props.names} />
      <div class="columns">
        <div class="stack">
          <PoliciesCard lines={props.convergence} />
          <JobsCard {...props} />
        </div>
        <ServersCard {...props} />
      </div>
    </>
  </Layout>
)

/** The answer to: is everything where it should be? */
const Headline = (props: OverviewProps) => {
  const { state, title, about } = verdict(props)
  return (
    <section class={`card headline tone-${toneOf(state)}`}>
      <StatusShape state={state} />
      <div class="stack-tight">
        <p>{title}</p>
        <p class="soft">{about}</p>
      </div>
    </section>
  )
}

function verdict(props: OverviewProps): { state: string; title: string; about: string } {
  const enabled = props.convergence.filter((line) => line.enabled)
  const open = enabled.filter((line) => !line.converged)
  const servers = plural(total(props.serverCounts), 'server')
  if (enabled.length === 0)
    return {
      state: 'unknown',
      title: 'Nothing is distributed yet',
      about: `${servers}, no active policy.`,
    }
  if (open.length === 0) {
    const targets = enabled.reduce((sum, line) => sum + total(line.targetCounts), 0)
    return {
      state: 'converged',
      title: 'Everything is where it should be',
      about: `${plural(enabled.length, 'policy', 'policies')}, ${plural(targets, 'target')}, ${servers}.`,
    }
  }
  const worst = worstFirst(open)[0]?.state ?? 'behind'
  const backlog = open
    .flatMap((line) => line.targets)
    .reduce((sum, target) => sum + target.backlogEntries, 0)
  const waiting = backlog === 0 ? '' : ` ${plural(backlog, 'entry', 'entries')} to go.`
  return {
    state: worst,
    title: `${open.length} of ${plural(enabled.length, 'policy is', 'policies are')} not in step`,
    about: `${open
      .map((line) => line.policyName)
      .slice(0, 4)
      .join(', ')}.${waiting}`,
  }
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, amount) => sum + amount, 0)
}

const Steps = ({ steps }: { steps: readonly Step[] }) => (
  <Card title="First steps" about="From an empty master to the first file that arrives">
    <ol class="steps">
      {steps.map((step) => (
        <li data-done={step.done ? 'true' : 'false'}>
          <span class="stack-tight">
            <span class="strong">{step.title}</span>
            <span class="hint">{step.about}</span>
          </span>
          {step.done ? null : (
            <a class="button button-small" href={step.href}>
              {step.label}
            </a>
          )}
        </li>
      ))}
    </ol>
  </Card>
)

const PoliciesCard = ({ lines }: { lines: readonly PolicyLine[] }) => (
  <Card title="Policies" actions={<a href="/policies">All policies</a>}>
    {lines.length === 0 ? (
      <Empty title="No policy yet">
        <p>A policy names the folders to watch and where their content goes.</p>
        <a class="button" href="/policies/new">
          New policy
        </a>
      </Empty>
    ) : (
      <Table
        caption="Policies and how far their targets are"
        columns={['Policy', 'State', 'Targets', '#Behind by', '#Oldest']}
      >
        {lines.map((line) => (
          <PolicyRow line={line} />
        ))}
      </Table>
    )}
  </Card>
)

const PolicyRow = ({ line }: { line: PolicyLine }) => {
  const entries = line.targets.reduce((most, target) => Math.max(most, target.backlogEntries), 0)
  const bytes = line.targets.reduce((most, target) => Math.max(most, target.backlogBytes), 0)
  const lagMs = line.targets.reduce((most, target) => Math.max(most, target.lagMs), 0)
  return (
    <tr>
      <th scope="row">
        <a href={`/policies/${line.policyId}`}>{line.policyName}</a>
      </th>
      <td>
        <Status state={line.enabled ? line.state : 'paused'} />
      </td>
      <td>
        <StateBar counts={line.targetCounts} />
        <span class="hint">{line.summary}</span>
      </td>
      <td class="number">
        {entries === 0 ? (
          <span class="faint">—</span>
        ) : (
          <span title={byteSize(bytes)}>{plural(entries, 'entry', 'entries')}</span>
        )}
      </td>
      <td class="number">{lagMs === 0 ? <span class="faint">—</span> : duration(lagMs)}</td>
    </tr>
  )
}

const ServersCard = (props: OverviewProps) => (
  <Card title="Servers" actions={<a href="/servers">All servers</a>}>
    {total(props.serverCounts) === 0 ? (
      <Empty title="No server yet">
        <p>Enrol a host with one command: the page for it writes the command out.</p>
        <a class="button" href="/servers/new">
          Add a server
        </a>
      </Empty>
    ) : (
      <>
        <div class="card-body stack">
          <StateBar counts={props.serverCounts} />
          <ul class="row">
            {Object.entries(props.serverCounts)
              .filter(([, amount]) => amount > 0)
              .map(([state, amount]) => (
                <li class="row">
                  <Status state={state} />
                  <span class="strong">{count(amount)}</span>
                </li>
              ))}
          </ul>
        </div>
        {props.troubled.length === 0 ? null : <Troubled {...props} />}
      </>
    )}
  </Card>
)

const Troubled = (props: OverviewProps) => (
  <Table caption="Servers that are not up" columns={['Server', 'State', 'Last seen']}>
    {props.troubled.map((server) => (
      <tr>
        <th scope="row">
          <NameLink id={server.id} names={props.names} base="/servers" />
        </th>
        <td>
          <Status state={server.state} />
        </td>
        <td>
          <Time at={server.lastSeenAt} nowMs={props.frame.nowMs} />
        </td>
      </tr>
    ))}
  </Table>
)

const JobsCard = (props: OverviewProps) => (
  <Card title="Latest jobs" actions={<a href="/jobs">All jobs</a>}>
    {props.jobs.length === 0 ? (
      <Empty title="No job yet">
        <p>A job appears here as soon as a policy has something to send.</p>
      </Empty>
    ) : (
      <Table caption="Latest jobs" columns={['Job', 'State', 'Targets', '#Entries', 'Started']}>
        {props.jobs.map((job) => (
          <JobRow job={job} names={props.names} nowMs={props.frame.nowMs} brief />
        ))}
      </Table>
    )}
  </Card>
)
