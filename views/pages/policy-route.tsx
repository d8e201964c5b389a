import type { Frame } from '../frame.ts'
import { type Option, SelectField } from '../parts/form.tsx'
import { byteSize } from '../parts/format.ts'
import { NameLink } from '../parts/name.tsx'
import { ReasonText } from '../parts/note.tsx'
import { Card, Empty, Table } from '../parts/table.tsx'
import type { Names, ReasonView } from '../types.ts'
import { type PolicyHead, PolicyLayout } from './policy.tsx'

interface HopView {
  readonly from: string
  readonly to: string
  readonly scope: string
  readonly method: string
  readonly compression: number
  readonly tls: boolean
  readonly rateBytesPerS: number | null
  readonly reason: string
}

/** What the tree is drawn for; empty texts ask for things as they are. */
export interface RouteQuestionView {
  readonly bytes: string
  readonly without: string
  readonly cut: string
}

export interface PolicyRouteProps {
  readonly frame: Frame
  readonly policy: PolicyHead
  readonly state: string
  readonly hops: readonly HopView[]
  readonly unreachable: readonly { readonly serverId: string; readonly reason: ReasonView }[]
  readonly names: Names
  readonly question: RouteQuestionView
  /** Servers of the policy, and regions of its targets. */
  readonly servers: readonly Option[]
  readonly regions: readonly Option[]
}

export const PolicyRoutePage = (props: PolicyRouteProps) => (
  <PolicyLayout {...props} live={['policy', 'server']}>
    <Questions {...props} />
    <Card title={isAsIs(props.question) ? 'The way content would take now' : 'What would happen'}>
      {props.hops.length === 0 ? (
        <Empty title={isAsIs(props.question) ? 'No way yet' : 'No way'}>
          <p>
            {isAsIs(props.question)
              ? 'A route appears when the source is connected and a target can be reached.'
              : 'Nothing could be sent to anyone, or nobody lacks what others hold.'}
          </p>
        </Empty>
      ) : (
        <div class="card-body tree">
          {roots(props.hops).map((root) => (
            <Branch server={root} hops={props.hops} names={props.names} seen={[]} />
          ))}
        </div>
      )}
    </Card>
    {props.unreachable.length === 0 ? null : (
      <Card title={isAsIs(props.question) ? 'Not reached now' : 'Not reached then'}>
        <Table caption="Targets that no route reaches" columns={['Server', 'Why']}>
          {props.unreachable.map(({ serverId, reason }) => (
            <tr>
              <th scope="row">
                <NameLink id={serverId} names={props.names} base="/servers" />
              </th>
              <td>
                <ReasonText reason={reason} />
              </td>
            </tr>
          ))}
        </Table>
      </Card>
    )}
  </PolicyLayout>
)

/** The tree depends on how much there is to send. */
const SIZES: readonly Option[] = [
  { value: '', label: 'What is missing' },
  { value: String(1 << 30), label: 'A large file' },
  { value: '1024', label: 'A small change' },
]

function isAsIs({ without, cut }: RouteQuestionView): boolean {
  return without === '' && cut === ''
}

const Questions = ({ policy, question, servers, regions }: PolicyRouteProps) => (
  <form method="get" action={`/policies/${policy.id}/route`} class="filters" aria-label="What if">
    <SelectField label="Content" name="bytes" value={question.bytes} options={SIZES} submits />
    <SelectField
      label="Without the server"
      name="without"
      value={question.without}
      options={[{ value: '', label: 'None' }, ...servers]}
      submits
    />
    {regions.length === 0 ? null : (
      <SelectField
        label="Without a way to"
        name="cut"
        value={question.cut}
        options={[{ value: '', label: 'None' }, ...regions]}
        submits
      />
    )}
    <button class="button">Show</button>
  </form>
)

/** Servers that send without receiving: the sources. */
function roots(hops: readonly HopView[]): readonly string[] {
  const receiving = new Set(hops.map((hop) => hop.to))
  return [...new Set(hops.map((hop) => hop.from).filter((server) => !receiving.has(server)))]
}

interface BranchProps {
  readonly server: string
  readonly hops: readonly HopView[]
  readonly names: Names
  /** Servers above this one: a route is a tree, but a drawing must end in any case. */
  readonly seen: readonly string[]
}

const Branch = ({ server, hops, names, seen }: BranchProps) => {
  const next = hops.filter((hop) => hop.from === server && !seen.includes(hop.to))
  return (
    <>
      {seen.length === 0 ? (
        <span class="strong">
          <NameLink id={server} names={names} base="/servers" />
        </span>
      ) : null}
      {next.length === 0 ? null : (
        <ul>
          {next.map((hop) => (
            <li>
              <Hop hop={hop} names={names} />
              <Branch server={hop.to} hops={hops} names={names} seen={[...seen, server]} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const SCOPE_WORDS: Readonly<Record<string, string>> = {
  group: 'within the group',
  region: 'between groups',
  international: 'between regions',
}

const Hop = ({ hop, names }: { hop: HopView; names: Names }) => (
  <div class="hop">
    <span class="strong">
      <NameLink id={hop.to} names={names} base="/servers" />
    </span>
    <span class="tag">{SCOPE_WORDS[hop.scope] ?? hop.scope}</span>
    <span class="tag">{hop.method === 'patch' ? 'changed parts' : 'whole files'}</span>
    <span class="tag">
      {hop.compression === 0 ? 'not compressed' : `compression ${hop.compression}`}
    </span>
    <span class="tag">{hop.tls ? 'TLS' : 'plain'}</span>
    {hop.rateBytesPerS === null ? null : <span class="tag">{byteSize(hop.rateBytesPerS)}/s</span>}
    <span class="hint">{hop.reason}</span>
  </div>
)
