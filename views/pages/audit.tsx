import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { TextField } from '../parts/form.tsx'
import { shortId } from '../parts/name.tsx'
import { Card, Empty, Pager, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { Listing } from '../types.ts'

interface AuditView {
  readonly id: string
  readonly at: string
  readonly actorName: string
  readonly address: string | null
  readonly action: string
  readonly objectType: string
  readonly objectId: string | null
  readonly objectName: string | null
  readonly outcome: string
}

export interface AuditProps {
  readonly frame: Frame
  readonly records: Listing<AuditView>
  readonly filter: { readonly actorName: string; readonly action: string }
}

export const AuditPage = ({ frame, records, filter }: AuditProps) => (
  <Layout
    frame={frame}
    title="Audit"
    about="Every change: who made it, from where, and how it ended."
  >
    <form method="get" action="/audit" class="filters" aria-label="Filter the audit">
      <TextField label="Who" name="actorName" value={filter.actorName} type="search" />
      <TextField
        label="Action"
        name="action"
        value={filter.action}
        type="search"
        placeholder="policies.change"
      />
      <button class="button">Filter</button>
    </form>
    <Card>
      {records.items.length === 0 ? (
        <Empty title="Nothing fits">
          <a href="/audit">Show everything</a>
        </Empty>
      ) : (
        <Table
          caption="Acts, newest first"
          columns={['When', 'Who', 'What', 'On', 'Outcome', 'From']}
        >
          {records.items.map((record) => (
            <tr>
              <td>
                <Time at={record.at} nowMs={frame.nowMs} />
              </td>
              <th scope="row">{record.actorName}</th>
              <td class="mono">{record.action}</td>
              <td>
                {record.objectType}{' '}
                <span class="soft break">
                  {record.objectName ?? (record.objectId === null ? '' : shortId(record.objectId))}
                </span>
              </td>
              <td>
                <Outcome outcome={record.outcome} />
              </td>
              <td class="mono faint">{record.address ?? '—'}</td>
            </tr>
          ))}
        </Table>
      )}
      <Pager listing={records} />
    </Card>
  </Layout>
)

const Outcome = ({ outcome }: { outcome: string }) => {
  if (outcome === 'done') return <span class="soft">done</span>
  if (outcome === 'begun') return <span class="status tone-warn">not finished</span>
  return <span class="status tone-bad">{outcome}</span>
}
