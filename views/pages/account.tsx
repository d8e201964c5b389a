import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Act, Ask, Csrf, SelectField, TextField } from '../parts/form.tsx'
import { exactTime } from '../parts/format.ts'
import { Note } from '../parts/note.tsx'
import { Card, Empty, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'

interface SessionView {
  readonly id: string
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly address: string | null
  readonly userAgent: string | null
  readonly current: boolean
}

interface ApiTokenView {
  readonly id: string
  readonly name: string
  readonly userName: string
  readonly role: string
  readonly expiresAt: string
  readonly lastUsedAt: string | null
}

export interface AccountProps {
  readonly frame: Frame
  readonly sessions: readonly SessionView[]
  readonly tokens: readonly ApiTokenView[]
  /** A token just made: the only time that its secret is shown. */
  readonly newToken: (ApiTokenView & { readonly token: string }) | null
}

const TOKEN_ROLES = [
  { value: 'viewer', label: 'Viewer' },
  { value: 'operator', label: 'Operator' },
  { value: 'admin', label: 'Administrator' },
]

export const AccountPage = (props: AccountProps) => (
  <Layout
    frame={props.frame}
    title="Your account"
    about={`Signed in as ${props.frame.account.name}, ${props.frame.account.role}.`}
  >
    {props.newToken === null ? null : <NewTokenNote token={props.newToken} />}
    <TokensCard {...props} />
    <div class="columns">
      <SessionsCard {...props} />
      <PasswordCard frame={props.frame} />
    </div>
  </Layout>
)

const NewTokenNote = ({ token }: { token: ApiTokenView & { token: string } }) => (
  <Card title={`Token ${token.name}`} about={`Good until ${exactTime(token.expiresAt)}`}>
    <div class="card-body stack">
      <Note tone="warn">
        <p>Copy it now: it is shown this once and kept nowhere.</p>
      </Note>
      <div class="command">
        <code id="new-token">{token.token}</code>
        <button type="button" class="button button-small needs-script" data-copy="new-token">
          Copy
        </button>
      </div>
    </div>
  </Card>
)

const TokensCard = ({ frame, tokens }: AccountProps) => (
  <Card title="API tokens" about="For scripts, as Authorization: Bearer">
    {tokens.length === 0 ? (
      <Empty title="No token yet">
        <p>
          A script signs in with a token. The <a href="/api/docs">API</a> does everything these
          pages do.
        </p>
      </Empty>
    ) : (
      <Table caption="Your tokens" columns={['Name', 'Role', 'Ends', 'Last used', '']}>
        {tokens.map((token) => (
          <tr>
            <th scope="row">
              {token.name}
              {token.userName === frame.account.name ? null : (
                <span class="hint"> of {token.userName}</span>
              )}
            </th>
            <td>{token.role}</td>
            <td>
              <Time at={token.expiresAt} nowMs={frame.nowMs} />
            </td>
            <td>
              <Time at={token.lastUsedAt} nowMs={frame.nowMs} />
            </td>
            <td class="number">
              <Ask
                id={`end-${token.id}`}
                action={`/account/tokens/${token.id}/end`}
                csrf={frame.csrf}
                label="End"
                title={`End ${token.name}?`}
                confirm="End the token"
                danger
                small
              >
                <p>Whatever signs in with it is refused from then on.</p>
              </Ask>
            </td>
          </tr>
        ))}
      </Table>
    )}
    <form method="post" action="/account/tokens" class="card-foot filters">
      <Csrf token={frame.csrf} />
      <TextField label="Name" name="name" required placeholder="backup script" />
      <SelectField label="Role" name="role" value="viewer" options={TOKEN_ROLES} />
      <TextField label="Days" name="days" type="number" value={90} min={1} max={3650} required />
      <button class="button">Make a token</button>
    </form>
  </Card>
)

const SessionsCard = ({ frame, sessions }: AccountProps) => (
  <Card
    title="Where you are signed in"
    actions={
      sessions.length > 1 ? (
        <Act action="/account/sessions/end-others" csrf={frame.csrf} label="End the others" small />
      ) : null
    }
  >
    <Table caption="Your sessions" columns={['Browser', 'From', 'Last used', 'Since']}>
      {sessions.map((session) => (
        <tr>
          <th scope="row">
            {browserOf(session.userAgent)}
            {session.current ? <span class="hint"> this one</span> : null}
          </th>
          <td class="mono">{session.address ?? '—'}</td>
          <td>
            <Time at={session.lastUsedAt} nowMs={frame.nowMs} />
          </td>
          <td>
            <Time at={session.createdAt} nowMs={frame.nowMs} />
          </td>
        </tr>
      ))}
    </Table>
  </Card>
)

const BROWSERS: readonly (readonly [mark: string, name: string])[] = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
]

function browserOf(userAgent: string | null): string {
  const known = BROWSERS.find(([mark]) => userAgent?.includes(mark))
  return known?.[1] ?? userAgent?.slice(0, 40) ?? 'Unknown'
}

const PasswordCard = ({ frame }: { frame: Frame }) => (
  <Card title="Password">
    <form method="post" action="/account/password" class="card-body stack">
      <Csrf token={frame.csrf} />
      <TextField
        label="Current password"
        name="current"
        type="password"
        autocomplete="current-password"
        required
      />
      <TextField
        label="New password"
        name="next"
        type="password"
        autocomplete="new-password"
        hint="At least 8 characters. All your sessions end and you sign in again."
        required
      />
      <div class="form-end">
        <button class="button">Change it</button>
      </div>
    </form>
  </Card>
)
