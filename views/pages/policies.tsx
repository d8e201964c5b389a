import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { StateBar } from '../parts/bar.tsx'
import { byteSize, count, duration, plural } from '../parts/format.ts'
import { Status } from '../parts/status.tsx'
import { Card, Empty, Pager, Table } from '../parts/table.tsx'
import type { Listing, Names } from '../types.ts'
import type { PolicyLine } from './overview.tsx'

export interface PoliciesProps {
  readonly frame: Frame
  readonly policies: Listing<PolicyLine & { readonly mode: string }>
  readonly names: Names
}

export const PoliciesPage = (props: PoliciesProps) => (
  <Layout
    frame={props.frame}
    title="Policies"
    about="Which folders are watched, and where their content goes."
    actions={
      props.frame.may.administer ? (
        <a class="button button-main" href="/policies/new">
          New policy
        </a>
      ) : null
    }
    live={['convergence', 'policy', 'server']}
  >
    <Card>
      {props.policies.items.length === 0 ? (
        <Empty title="No policy yet">
          <p>
            A policy names source folders, target folders and how to get from one to the other.
            Everything but the folders has a default that works.
          </p>
          {props.frame.may.administer ? (
            <a class="button button-main" href="/policies/new">
              Make the first policy
            </a>
          ) : null}
        </Empty>
      ) : (
        <Table
          caption="Policies by name"
          columns={['Policy', 'State', 'From', 'Targets', '#Files', '#Behind by', '#Oldest']}
        >
          {props.policies.items.map((line) => (
            <PolicyRow line={line} names={props.names} />
          ))}
        </Table>
      )}
      <Pager listing={props.policies} />
    </Card>
  </Layout>
)

const PolicyRow = ({ line, names }: { line: PolicyLine & { mode: string }; names: Names }) => {
  const most = (values: readonly number[]) => values.reduce((max, value) => Math.max(max, value), 0)
  const entries = most(line.targets.map((target) => target.backlogEntries))
  const lagMs = most(line.targets.map((target) => target.lagMs))
  const files = line.sources.reduce((sum, source) => sum + source.fileCount, 0)
  const bytes = line.sources.reduce((sum, source) => sum + source.totalBytes, 0)
  return (
    <tr id={`policy-${line.policyId}`}>
      <th scope="row">
        <a href={`/policies/${line.policyId}`}>{line.policyName}</a>
        <div class="hint">{line.mode}</div>
      </th>
      <td>
        <Status state={line.enabled ? line.state : 'paused'} />
      </td>
      <td>
        {line.sources.map((source) => (
          <div class="break">
            {names.get(source.serverId) ?? 'unknown'} <span class="mono faint">{source.path}</span>
          </div>
        ))}
      </td>
      <td>
        <StateBar counts={line.targetCounts} />
        <span class="hint">{line.summary}</span>
      </td>
      <td class="number" title={byteSize(bytes)}>
        {count(files)}
      </td>
      <td class="number">
        {entries === 0 ? <span class="faint">—</span> : plural(entries, 'entry', 'entries')}
      </td>
      <td class="number">{lagMs === 0 ? <span class="faint">—</span> : duration(lagMs)}</td>
    </tr>
  )
}
