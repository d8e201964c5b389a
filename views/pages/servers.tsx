import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { type Option, SelectField, TextField } from '../parts/form.tsx'
import { Roles } from '../parts/name.tsx'
import { Status, wordOf } from '../parts/status.tsx'
import { Card, Empty, Pager, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { Listing, Named, ServerView } from '../types.ts'

export interface ServersProps {
  readonly frame: Frame
  readonly servers: Listing<ServerView>
  /** Groups with their regions, in the order in which they are shown. */
  readonly places: readonly Place[]
  readonly filter: { readonly groupId: string; readonly state: string; readonly name: string }
}

/** A group within its region. */
export interface Place {
  readonly group: Named
  readonly region: Named
}

const STATES = ['up', 'pending', 'degraded', 'down', 'incompatible', 'revoked']

export const ServersPage = (props: ServersProps) => (
  <Layout
    frame={props.frame}
    title="Servers"
    about="The hosts that run an agent, by region and group."
    actions={
      props.frame.may.administer ? (
        <a class="button button-main" href="/servers/new">
          Add a server
        </a>
      ) : null
    }
    live={['server']}
  >
    <Filters {...props} />
    <>
      <Card>
        {props.servers.items.length === 0 ? (
          <NoServers {...props} />
        ) : (
          <Table
            caption="Servers by region and group"
            columns={['Server', 'State', 'Roles', 'Address', '#Weight', 'Agent', 'Last seen']}
          >
            {grouped(props).map(({ place, servers }) => (
              <GroupRows place={place} servers={servers} nowMs={props.frame.nowMs} />
            ))}
          </Table>
        )}
        <Pager listing={props.servers} />
      </Card>
    </>
  </Layout>
)

/** Servers below their groups; what has no known group comes last. */
function grouped({ servers, places }: ServersProps) {
  const known = places.map((place) => ({
    place,
    servers: servers.items.filter((server) => server.groupId === place.group.id),
  }))
  const ids = new Set(places.map((place) => place.group.id))
  const rest = servers.items.filter((server) => !ids.has(server.groupId))
  return [...known, { place: null, servers: rest }].filter((part) => part.servers.length > 0)
}

interface GroupRowsProps {
  readonly place: Place | null
  readonly servers: readonly ServerView[]
  readonly nowMs: number
}

const GroupRows = ({ place, servers, nowMs }: GroupRowsProps) => (
  <>
    <tr class="group-row">
      <th colspan={7} scope="colgroup">
        {place === null ? 'Elsewhere' : `${place.region.name} / ${place.group.name}`}
        <span class="faint"> {servers.length}</span>
      </th>
    </tr>
    {servers.map((server) => (
      <tr id={`server-${server.id}`}>
        <th scope="row">
          <a href={`/servers/${server.id}`}>{server.name}</a>
        </th>
        <td>
          <span class="row">
            <Status state={server.state} />
            {server.mode === 'drained' ? <Status state="drained" /> : null}
          </span>
        </td>
        <td>
          <Roles roles={server.roles} />
        </td>
        <td class={server.dialsOut ? '' : 'mono'}>
          {server.address ?? <span class="faint">{server.dialsOut ? 'dials out' : '—'}</span>}
        </td>
        <td class="number">{server.weight}</td>
        <td>{server.version ?? <span class="faint">—</span>}</td>
        <td>
          <Time at={server.lastSeenAt} nowMs={nowMs} />
        </td>
      </tr>
    ))}
  </>
)

const Filters = ({ filter, places }: ServersProps) => (
  <form method="get" action="/servers" class="filters" aria-label="Filter servers">
    <TextField label="Name" name="name" value={filter.name} type="search" />
    <SelectField
      label="Group"
      name="groupId"
      value={filter.groupId}
      options={groupOptions(places)}
      submits
    />
    <SelectField label="State" name="state" value={filter.state} options={stateOptions()} submits />
    <button class="button">Filter</button>
  </form>
)

/** Groups to choose from, each with its region. */
export function groupOptions(places: readonly Place[], any = 'Any'): readonly Option[] {
  const groups = places.map(({ group, region }) => ({
    value: group.id,
    label: `${region.name} / ${group.name}`,
  }))
  return any === '' ? groups : [{ value: '', label: any }, ...groups]
}

function stateOptions(): readonly Option[] {
  return [
    { value: '', label: 'Any' },
    ...STATES.map((state) => ({ value: state, label: wordOf(state) })),
  ]
}

const NoServers = ({ filter, frame }: ServersProps) =>
  Object.values(filter).some((value) => value !== '') ? (
    <Empty title="No server fits">
      <a href="/servers">Show all servers</a>
    </Empty>
  ) : (
    <Empty title="No server yet">
      <p>A host joins with one command. The next page writes it out for you.</p>
      {frame.may.administer ? (
        <a class="button button-main" href="/servers/new">
          Add a server
        </a>
      ) : (
        <p class="hint">An administrator can add one.</p>
      )}
    </Empty>
  )
