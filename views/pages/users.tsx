import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Act, Ask, Csrf, SelectField, TextField } from '../parts/form.tsx'
import { Card, Pager, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { Listing } from '../types.ts'

interface UserView {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly disabled: boolean
  readonly version: number
  readonly createdAt: string
  readonly passwordChangedAt: string
}

export interface UsersProps {
  readonly frame: Frame
  readonly users: Listing<UserView>
}

const ROLES = [
  { value: 'viewer', label: 'Viewer: looks, changes nothing' },
  { value: 'operator', label: 'Operator: also runs and pauses' },
  { value: 'admin', label: 'Administrator: everything' },
]

export const UsersPage = ({ frame, users }: UsersProps) => (
  <Layout frame={frame} title="Users" about="Who may sign in, and what they may do.">
    <Card>
      <Table caption="Accounts by name" columns={['Name', 'Role', 'Password', 'Since', '']}>
        {users.items.map((user) => (
          <tr>
            <th scope="row">
              {user.name}
              {user.id === frame.account.id ? <span class="hint"> you</span> : null}
              {user.disabled ? <span class="tag">disabled</span> : null}
            </th>
            <td>{user.role}</td>
            <td>
              changed <Time at={user.passwordChangedAt} nowMs={frame.nowMs} />
            </td>
            <td>
              <Time at={user.createdAt} nowMs={frame.nowMs} />
            </td>
            <td class="number">
              <UserActs user={user} frame={frame} />
            </td>
          </tr>
        ))}
      </Table>
      <Pager listing={users} />
    </Card>
    <NewUser frame={frame} />
  </Layout>
)

const UserActs = ({ user, frame }: { user: UserView; frame: Frame }) => (
  <span class="actions">
    <Ask
      id={`change-${user.id}`}
      action={`/users/${user.id}`}
      csrf={frame.csrf}
      label="Change"
      title={`Change ${user.name}`}
      confirm="Save"
      small
    >
      <input type="hidden" name="version" value={String(user.version)} />
      <div class="field">
        <label for={`role-${user.id}`}>Role</label>
        <select id={`role-${user.id}`} name="role">
          {ROLES.map((role) => (
            <option value={role.value} selected={role.value === user.role}>
              {role.label}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for={`password-${user.id}`}>New password</label>
        <input
          id={`password-${user.id}`}
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={8}
        />
        <p class="hint">Leave it empty to keep the old one. All sessions of {user.name} end.</p>
      </div>
    </Ask>
    {user.id === frame.account.id ? null : (
      <>
        <Act
          action={`/users/${user.id}`}
          csrf={frame.csrf}
          label={user.disabled ? 'Enable' : 'Disable'}
          fields={{ disabled: user.disabled ? 'false' : 'true', version: String(user.version) }}
          small
        />
        <Ask
          id={`delete-${user.id}`}
          action={`/users/${user.id}/delete`}
          csrf={frame.csrf}
          label="Delete"
          title={`Delete ${user.name}?`}
          confirm="Delete the account"
          danger
          small
        >
          <p>Its sessions and tokens end at once. What it did stays in the audit.</p>
        </Ask>
      </>
    )}
  </span>
)

const NewUser = ({ frame }: { frame: Frame }) => (
  <Card title="New account">
    <form method="post" action="/users" class="card-body stack">
      <Csrf token={frame.csrf} />
      <div class="fields">
        <TextField label="Name" name="name" required pattern="[A-Za-z0-9._\-]{1,63}" />
        <TextField
          label="Password"
          name="password"
          type="password"
          autocomplete="new-password"
          hint="At least 8 characters"
          required
        />
        <SelectField label="Role" name="role" value="viewer" options={ROLES} />
      </div>
      <div class="form-end">
        <button class="button button-main">Add account</button>
      </div>
    </form>
  </Card>
)
