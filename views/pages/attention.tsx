import { NameLink } from '../parts/name.tsx'
import { TargetTexts } from '../parts/note.tsx'
import { worstFirst } from '../parts/severity.ts'
import { Status } from '../parts/status.tsx'
import { Card, Table } from '../parts/table.tsx'
import type { ConvergenceView, Names, TargetView } from '../types.ts'

const SHOWN_MAX = 6

/** A target for which something is to be done. */
interface Matter extends TargetView {
  readonly policyId: string
  readonly policyName: string
}

/** The targets that will not come right by waiting, the worst first. */
export function mattersOf(
  lines: readonly (ConvergenceView & { readonly enabled: boolean })[],
): readonly Matter[] {
  const matters = lines
    .filter((line) => line.enabled)
    .flatMap(({ policyId, policyName, targets }) =>
      targets.map((target) => ({ ...target, policyId, policyName })),
    )
    .filter(
      ({ reason, state, notes }) => notes.length > 0 || (reason !== null && state !== 'waiting'),
    )
  return worstFirst(matters).slice(0, SHOWN_MAX)
}

/** The way to where what is held can be looked at and answered. */
export const HeldLink = ({ policyId }: { policyId: string }) => (
  <a class="nowrap" href={`/jobs?policyId=${policyId}&state=held`}>
    See what is held
  </a>
)

/** What keeps content from being where it should, and what to do about each. */
export const AttentionCard = (props: { matters: readonly Matter[]; names: Names }) =>
  props.matters.length === 0 ? null : (
    <Card title="Needs attention" about="What is not as it should be, and what to do">
      <Table
        caption="Targets that need attention"
        columns={['Target', 'State', 'Policy', 'Why, and what to do']}
      >
        {props.matters.map((matter) => (
          <tr>
            <th scope="row">
              <NameLink id={matter.serverId} names={props.names} base="/servers" />
            </th>
            <td>
              <Status state={matter.state} />
            </td>
            <td>
              <a href={`/policies/${matter.policyId}`}>{matter.policyName}</a>
            </td>
            <td>
              <TargetTexts target={matter} />
              {matter.state === 'held' ? <HeldLink policyId={matter.policyId} /> : null}
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  )
