import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Act, Ask, Check, Csrf, SelectField, TextField } from '../parts/form.tsx'
import { byteSize, count, exactTime, plural } from '../parts/format.ts'
import { Roles } from '../parts/name.tsx'
import { Note } from '../parts/note.tsx'
import { Status, StatusPill } from '../parts/status.tsx'
import { Card, Empty, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { JobView, Names, ServerView } from '../types.ts'
import { JobRow } from './jobs.tsx'
import { type Place, groupOptions } from './servers.tsx'

interface ServerDetail extends ServerView {
  readonly addresses: readonly {
    readonly scope: string | null
    readonly host: string
    readonly port: number
  }[]
  readonly certificate: {
    readonly serial: string
    readonly expiresAt: string
    readonly reason: { readonly message: string; readonly action: string } | null
  }
  readonly platform: {
    readonly os: string
    readonly architecture: string
    readonly cpuCount: number
    readonly memoryBytes: number
  }
  readonly health: { readonly state: 'unknown' | 'good' | 'bad' }
  readonly revokedAt: string | null
  readonly revokeReason: string | null
  readonly createdAt: string
}

/** What a policy does on this server. */
export interface ServerUse {
  readonly policyId: string
  readonly policyName: string
  readonly as: 'source' | 'target'
  readonly path: string
  readonly state: string
}

interface ServerLoad {
  readonly cpuPercent: number
  readonly memoryPercent: number
  readonly sessions: number | null
  readonly diskFreeBytes: number | null
}

export interface ServerProps {
  readonly frame: Frame
  readonly server: ServerDetail
  readonly places: readonly Place[]
  readonly uses: readonly ServerUse[]
  readonly jobs: readonly JobView[]
  /** What its host told last; null where it tells nothing. */
  readonly load: ServerLoad | null
  readonly names: Names
}

export const ServerPage = (props: ServerProps) => {
  const { server, frame, places } = props
  const place = places.find(({ group }) => group.id === server.groupId)
  return (
    <Layout
      frame={frame}
      title={server.name}
      status={
        <>
          <StatusPill state={server.state} />
          {server.mode === 'drained' ? <StatusPill state="drained" /> : null}
        </>
      }
      crumbs={[
        { href: '/servers', label: 'Servers' },
        ...(place === undefined
          ? []
          : [
              {
                href: `/servers?groupId=${place.group.id}`,
                label: `${place.region.name} / ${place.group.name}`,
              },
            ]),
      ]}
      actions={server.revokedAt === null ? <Actions {...props} /> : <Again {...props} />}
      live={['server', 'convergence', 'job']}
    >
      <>
        {server.revokedAt === null ? (
          <CertificateNote server={server} />
        ) : (
          <RevokedNote server={server} />
        )}
        <div class="columns">
          <div class="stack">
            <UsesCard {...props} />
            <JobsCard {...props} />
          </div>
          <FactsCard {...props} />
        </div>
      </>
      {frame.may.administer && server.revokedAt === null ? <EditCard {...props} /> : null}
    </Layout>
  )
}

const RevokedNote = ({ server }: { server: ServerDetail }) => (
  <Note tone="bad">
    <p>
      Revoked {server.revokedAt === null ? '' : exactTime(server.revokedAt)}
      {server.revokeReason ? `: ${server.revokeReason}` : ''}.
    </p>
    <p>Nothing is sent to it or taken from it. Enrol the host again to give it its place back.</p>
  </Note>
)

const CertificateNote = ({ server }: { server: ServerDetail }) =>
  server.certificate.reason === null ? null : (
    <Note tone="warn">
      <p>{server.certificate.reason.message}.</p>
      <p>{server.certificate.reason.action}</p>
    </Note>
  )

const Again = ({ server, frame }: ServerProps) =>
  frame.may.administer ? (
    <a class="button" href={`/servers/new?serverId=${server.id}`}>
      Enrol again
    </a>
  ) : null

const Actions = ({ server, frame, uses }: ServerProps) => (
  <>
    {frame.may.operate ? (
      server.mode === 'drained' ? (
        <Act
          action={`/servers/${server.id}/mode`}
          csrf={frame.csrf}
          label="Put back to work"
          fields={{ mode: 'active', revision: String(server.revision) }}
        />
      ) : (
        <Ask
          id="drain"
          action={`/servers/${server.id}/mode`}
          csrf={frame.csrf}
          label="Drain"
          title={`Drain ${server.name}?`}
          confirm="Drain it"
        >
          <input type="hidden" name="mode" value="drained" />
          <p>
            No new job is given to it, and no route goes through it, until it is put back to work.
            Files that it has stay. It is part of {plural(uses.length, 'folder mapping')}.
          </p>
        </Ask>
      )
    ) : null}
    {frame.may.administer ? (
      <>
        <a class="button" href={`/servers/new?serverId=${server.id}`}>
          Enrol again
        </a>
        <Ask
          id="revoke"
          action={`/servers/${server.id}/revoke`}
          csrf={frame.csrf}
          label="Revoke"
          title={`Revoke ${server.name}?`}
          confirm="Revoke the server"
          danger
        >
          <p>
            Its connections are closed at once and every other agent refuses it from then on. It is
            part of {plural(uses.length, 'folder mapping')}, which stop. Files on its disks stay. To
            come back, the host must be enrolled again.
          </p>
          <TextField label="Reason" name="reason" required />
        </Ask>
      </>
    ) : null}
  </>
)

const UsesCard = ({ uses }: ServerProps) => (
  <Card title="Folders" about="What policies read and write on this host">
    {uses.length === 0 ? (
      <Empty title="No policy uses this server">
        <p>Name it, its group or its region in a policy.</p>
        <a class="button" href="/policies">
          Go to the policies
        </a>
      </Empty>
    ) : (
      <Table
        caption="Folders of this server in policies"
        columns={['Policy', 'Part', 'Folder', 'State']}
      >
        {uses.map((use) => (
          <tr>
            <th scope="row">
              <a href={`/policies/${use.policyId}`}>{use.policyName}</a>
            </th>
            <td>{use.as}</td>
            <td class="mono break">{use.path}</td>
            <td>
              <Status state={use.state} />
            </td>
          </tr>
        ))}
      </Table>
    )}
  </Card>
)

const JobsCard = ({ jobs, names, frame, server }: ServerProps) => (
  <Card title="Latest jobs" actions={<a href={`/jobs?serverId=${server.id}`}>All its jobs</a>}>
    {jobs.length === 0 ? (
      <Empty title="No job yet">
        <p>Jobs appear when a policy sends something to or from this server.</p>
      </Empty>
    ) : (
      <Table
        caption="Latest jobs of this server"
        columns={['Job', 'State', 'Targets', '#Entries', 'Started']}
      >
        {jobs.map((job) => (
          <JobRow job={job} names={names} nowMs={frame.nowMs} brief />
        ))}
      </Table>
    )}
  </Card>
)

/** What the host told last; its agent tells nothing without the role to measure. */
const Load = ({ server, load }: Pick<ServerProps, 'server' | 'load'>) =>
  server.health.state === 'unknown' || load === null ? (
    <span class="faint">{server.roles.includes('sm') ? 'not told' : 'not measured'}</span>
  ) : (
    <>
      {`${Math.round(load.cpuPercent)} % processor, ${Math.round(load.memoryPercent)} % memory`}
      <div class="hint">
        {load.sessions === null ? '' : `${plural(load.sessions, 'connection')}, `}
        {load.diskFreeBytes === null ? '' : `${byteSize(load.diskFreeBytes)} free`}
      </div>
      {server.health.state === 'bad' ? (
        <div class="hint">It has enough to do with itself: others pass content on before it.</div>
      ) : null}
    </>
  )

const FactsCard = ({ server, frame, load }: ServerProps) => (
  <Card title="Facts">
    <dl class="facts card-body">
      <dt>Roles</dt>
      <dd>
        <Roles roles={server.roles} />
      </dd>
      <dt>Last seen</dt>
      <dd>
        <Time at={server.lastSeenAt} nowMs={frame.nowMs} />
      </dd>
      <dt>Addresses</dt>
      <dd>
        {server.dialsOut ? (
          <>
            none: it dials out
            <div class="hint">
              Others reach it by the connections that it opens to them. It passes nothing on.
            </div>
          </>
        ) : server.addresses.length === 0 ? (
          <span class="faint">not told yet</span>
        ) : null}
        {server.addresses.map(({ scope, host, port }) => (
          <div class="mono">
            {`${host.includes(':') ? `[${host}]` : host}:${port}`}
            {scope === null ? null : <span class="faint"> {scope}</span>}
          </div>
        ))}
      </dd>
      <dt>Load</dt>
      <dd>
        <Load server={server} load={load} />
      </dd>
      <dt>Weight</dt>
      <dd>{server.weight}</dd>
      <dt>Agent</dt>
      <dd>{server.version ?? <span class="faint">not told yet</span>}</dd>
      <dt>Host</dt>
      <dd>
        {server.platform.os} {server.platform.architecture}
        <div class="hint">
          {plural(server.platform.cpuCount, 'CPU')}, {byteSize(server.platform.memoryBytes)} memory
        </div>
      </dd>
      <dt>Certificate</dt>
      <dd>
        ends <Time at={server.certificate.expiresAt} nowMs={frame.nowMs} />
        <div class="hint mono break">{server.certificate.serial}</div>
      </dd>
      <dt>Enrolled</dt>
      <dd>
        <Time at={server.createdAt} nowMs={frame.nowMs} />
      </dd>
      <dt>Id</dt>
      <dd class="mono small">{server.id}</dd>
    </dl>
  </Card>
)

const EditCard = ({ server, places, frame }: ServerProps) => (
  <Card title="Settings">
    <form
      method="post"
      action={`/servers/${server.id}`}
      class="card-body stack"
      {...{ 'hx-morph-skip': 'true' }}
    >
      <Csrf token={frame.csrf} />
      <input type="hidden" name="revision" value={String(server.revision)} />
      <div class="fields">
        <TextField
          label="Name"
          name="name"
          value={server.name}
          required
          pattern="[A-Za-z0-9._\-]{1,63}"
          hint="Letters, digits, dot, dash, underscore"
        />
        <SelectField
          label="Group"
          name="groupId"
          value={server.groupId}
          options={groupOptions(places, '')}
        />
        <TextField
          label="Weight"
          name="weight"
          type="number"
          value={server.weight}
          min={1}
          max={1000}
          hint={`Its share of the work as a relay; ${count(100)} is ordinary`}
        />
      </div>
      <fieldset class="stack-tight">
        <legend class="label">What it may do</legend>
        <Check
          name="roles"
          value="cms"
          label="Watch source folders (CMS)"
          checked={server.roles.includes('cms')}
        />
        <Check
          name="roles"
          value="cas"
          label="Send and receive files (CAS)"
          checked={server.roles.includes('cas')}
        />
        <Check
          name="roles"
          value="sm"
          label="Report its health (SM)"
          checked={server.roles.includes('sm')}
        />
      </fieldset>
      <div class="form-end">
        <button class="button button-main">Save</button>
      </div>
    </form>
  </Card>
)
