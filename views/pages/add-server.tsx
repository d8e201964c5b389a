import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Act, Check, Csrf, SelectField, TextField } from '../parts/form.tsx'
import { exactTime, plural } from '../parts/format.ts'
import { Roles } from '../parts/name.tsx'
import { Note } from '../parts/note.tsx'
import { Status } from '../parts/status.tsx'
import { Card, Empty, Live, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { Named } from '../types.ts'
import { type Place, groupOptions } from './servers.tsx'

interface TokenView {
  readonly id: string
  readonly groupId: string | null
  readonly serverId: string | null
  readonly roles: readonly string[]
  readonly expiresAt: string
  readonly maxUses: number
  readonly uses: number
  readonly createdBy: string
}

export interface AddServerProps {
  readonly frame: Frame
  readonly places: readonly Place[]
  readonly tokens: readonly TokenView[]
  /** Set where a rebuilt host gets its old place back. */
  readonly server: Named | null
  readonly error: { readonly field: string; readonly text: string } | null
}

const HOUR_S = 3600
const LIVES = [
  { value: String(HOUR_S), label: '1 hour' },
  { value: String(24 * HOUR_S), label: '1 day' },
  { value: String(7 * 24 * HOUR_S), label: '7 days' },
]

export const AddServerPage = (props: AddServerProps) => (
  <Layout
    frame={props.frame}
    title={props.server === null ? 'Add a server' : `Enrol ${props.server.name} again`}
    about={
      props.server === null
        ? 'Make an enrolment token, then paste one command on the host.'
        : 'A rebuilt host gets its old place, policies included. Its former certificate ends.'
    }
    crumbs={[{ href: '/servers', label: 'Servers' }]}
  >
    {props.places.length === 0 ? <NoPlaces /> : <TokenForm {...props} />}
    {props.tokens.length === 0 ? null : <OpenTokens {...props} />}
  </Layout>
)

const NoPlaces = () => (
  <Card>
    <Empty title="Where should it go?">
      <p>A server lives in a group, and a group in a region. Make both first.</p>
      <a class="button button-main" href="/topology">
        Go to the topology
      </a>
    </Empty>
  </Card>
)

const TokenForm = ({ frame, places, server, error }: AddServerProps) => (
  <Card>
    <form method="post" action="/servers/new" class="card-body stack">
      <Csrf token={frame.csrf} />
      <div class="fields">
        {server === null ? (
          <SelectField
            label="Group"
            name="groupId"
            value=""
            options={groupOptions(places, '')}
            error={error?.field === 'groupId' ? error.text : undefined}
          />
        ) : (
          <input type="hidden" name="serverId" value={server.id} />
        )}
        <SelectField
          label="Good for"
          name="expiresInS"
          value={String(24 * HOUR_S)}
          options={LIVES}
        />
        {server === null ? (
          <TextField
            label="Hosts that may use it"
            name="maxUses"
            type="number"
            value={1}
            min={1}
            max={10_000}
            required
            error={error?.field === 'maxUses' ? error.text : undefined}
          />
        ) : null}
      </div>
      <fieldset class="stack-tight">
        <legend class="label">What it may do</legend>
        <Check name="roles" value="cms" label="Watch source folders (CMS)" checked />
        <Check name="roles" value="cas" label="Send and receive files (CAS)" checked />
        <Check name="roles" value="sm" label="Report its health (SM)" checked />
      </fieldset>
      <div class="form-end">
        <button class="button button-main">Make the command</button>
      </div>
    </form>
  </Card>
)

const OpenTokens = ({ frame, tokens, places }: AddServerProps) => (
  <Card title="Tokens that still let hosts in">
    <Table
      caption="Open enrolment tokens"
      columns={['For', 'Roles', 'Used', 'Ends', 'Made by', '']}
    >
      {tokens.map((token) => (
        <tr>
          <th scope="row">{placeName(token, places)}</th>
          <td>
            <Roles roles={token.roles} />
          </td>
          <td class="nowrap">
            {token.uses} of {token.maxUses}
          </td>
          <td>
            <Time at={token.expiresAt} nowMs={frame.nowMs} />
          </td>
          <td>{token.createdBy}</td>
          <td class="number">
            <Act
              action={`/enrollment-tokens/${token.id}/end`}
              csrf={frame.csrf}
              label="End"
              kind="danger"
              small
            />
          </td>
        </tr>
      ))}
    </Table>
  </Card>
)

function placeName(token: TokenView, places: readonly Place[]): string {
  const place = places.find(({ group }) => group.id === token.groupId)
  return place === undefined ? 'a known server' : `${place.region.name} / ${place.group.name}`
}

export interface CommandProps {
  readonly frame: Frame
  readonly token: TokenView
  readonly command: string
  /** Servers that enrolled since the token was made. */
  readonly arrived: readonly {
    readonly id: string
    readonly name: string
    readonly state: string
  }[]
  /** The address under which the arrivals are asked again. */
  readonly followUrl: string
}

/** The one page that shows a token's secret, as part of the command to paste. */
export const CommandPage = (props: CommandProps) => (
  <Layout
    frame={props.frame}
    title="Run this on the host"
    about={`Good for ${plural(props.token.maxUses, 'host')} until ${exactTime(props.token.expiresAt)}.`}
    crumbs={[
      { href: '/servers', label: 'Servers' },
      { href: '/servers/new', label: 'Add a server' },
    ]}
    live={[]}
  >
    <Note tone="warn">
      <p>This is shown once. Whoever has it can enrol a host, so treat it like a password.</p>
    </Note>
    <Card title="1. Enrol the host">
      <div class="card-body stack">
        <p class="soft">
          As a user who may read the source folders and write the target folders. <code>--dir</code>{' '}
          is where the agent keeps its own state.
        </p>
        <Command id="enrol-command" text={props.command} />
      </div>
    </Card>
    <Card title="2. Start the agent">
      <div class="card-body stack">
        <p class="soft">It stays in the foreground; a service manager keeps it running.</p>
        <Command id="run-command" text="cd-agent run --dir /var/lib/cd-agent" />
        <p class="soft">
          Other agents connect to its port 7410. Where they cannot, because of a firewall or an
          address translation, add <code>--dial-out</code>: it opens the connections itself then.
        </p>
      </div>
    </Card>
    <Arrivals {...props} />
  </Layout>
)

const Command = ({ id, text }: { id: string; text: string }) => (
  <div class="command">
    <code id={id}>{text}</code>
    <button type="button" class="button button-small needs-script" data-copy={id}>
      Copy
    </button>
  </div>
)

/** What has arrived since; read again whenever a server comes or changes. */
const Arrivals = ({ arrived, followUrl }: Pick<CommandProps, 'arrived' | 'followUrl'>) => (
  <Live id="arrivals" url={followUrl} on={['server']}>
    <Card title="3. See it arrive">
      {arrived.length === 0 ? (
        <Empty title="Nobody yet">
          <p class="needs-script">This page shows the host as soon as it has enrolled.</p>
          <p class="needs-no-script">
            The host appears in the <a href="/servers">list of servers</a>.
          </p>
        </Empty>
      ) : (
        <Table caption="Servers that arrived" columns={['Server', 'State']}>
          {arrived.map((server) => (
            <tr>
              <th scope="row">
                <a href={`/servers/${server.id}`}>{server.name}</a>
              </th>
              <td>
                <Status state={server.state} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  </Live>
)
