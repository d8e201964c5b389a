import { z } from 'zod'

import { AccountPage } from '../../../views/pages/account.tsx'
import { AuditPage } from '../../../views/pages/audit.tsx'
import { UsersPage } from '../../../views/pages/users.tsx'
import { userRole } from '../api/objects.ts'
import { parseRequest } from '../api/parse.ts'
import {
  createApiToken,
  deleteApiToken,
  listApiTokens,
  type NewApiToken,
} from '../auth/api-tokens.ts'
import { listAudit } from '../auth/audit.ts'
import { endOtherSessions, listSessions } from '../auth/sessions.ts'
import { changeOwnPassword, createUser, deleteUser, listUsers, updateUser } from '../auth/users.ts'
import { listingOf } from './listing.ts'
import {
  type Act,
  type Outcome,
  type Page,
  type Visit,
  act,
  numberOf,
  versionOf,
  view,
} from './page.ts'

async function accountPage({ context, frame, visitor }: Visit, newToken: NewApiToken | null) {
  const tokens = await listApiTokens(context, { userId: visitor.actor.userId, limit: 500 })
  const sessions = await listSessions(context, visitor.session)
  return <AccountPage frame={frame} sessions={sessions} tokens={tokens.items} newToken={newToken} />
}

const daysField = z.number().int().min(1).max(3650)
const tokenName = z.string().min(1).max(100)

async function makeToken({ visit, form }: Act): Promise<Outcome> {
  const token = await createApiToken(visit.context, visit.actor, {
    user: visit.actor.userId ?? '',
    name: parseRequest(tokenName, form.text('name')),
    role: parseRequest(userRole, form.text('role')),
    days: parseRequest(daysField, numberOf(form.text('days'))),
  })
  return { page: await accountPage(visit, token) }
}

async function endToken({ visit }: Act): Promise<Outcome> {
  const request = { id: visit.param('id'), userId: visit.actor.userId }
  await deleteApiToken(visit.context, visit.actor, request)
  return { to: '/account', say: 'The token is ended.' }
}

async function endOthers({ visit }: Act): Promise<Outcome> {
  await endOtherSessions(visit.context, visit.visitor.session)
  return { to: '/account', say: 'Your other sessions are ended.' }
}

async function changePassword({ visit, form }: Act): Promise<Outcome> {
  const request = { current: form.secret('current'), next: form.secret('next') }
  await changeOwnPassword(visit.context, visit.actor, request)
  return { to: '/sign-in', say: 'The password is changed. Sign in with the new one.' }
}

async function showUsers(visit: Visit) {
  const page = await listUsers(visit.context, { cursor: visit.query('cursor') })
  return <UsersPage frame={visit.frame} users={listingOf(visit, page)} />
}

async function addUser({ visit, form }: Act): Promise<Outcome> {
  const user = await createUser(visit.context, visit.actor, {
    name: form.text('name'),
    password: form.secret('password'),
    role: parseRequest(userRole, form.text('role')),
  })
  return { to: '/users', say: `${user.name} may sign in.` }
}

async function changeUser({ visit, form }: Act): Promise<Outcome> {
  const password = form.secret('password')
  const user = await updateUser(visit.context, visit.actor, {
    reference: visit.param('id'),
    change: {
      ...(form.has('role') ? { role: parseRequest(userRole, form.text('role')) } : {}),
      ...(form.has('disabled') ? { disabled: form.text('disabled') === 'true' } : {}),
      ...(password === '' ? {} : { password }),
    },
    expectedVersion: versionOf(form.text('version')),
  })
  return { to: '/users', say: `${user.name} is changed; its sessions are ended.` }
}

async function removeUser({ visit }: Act): Promise<Outcome> {
  await deleteUser(visit.context, visit.actor, visit.param('id'))
  return { to: '/users', say: 'The account is deleted.' }
}

async function showAudit(visit: Visit) {
  const page = await listAudit(visit.context, {
    actorName: visit.query('actorName'),
    action: visit.query('action'),
    cursor: visit.query('cursor'),
  })
  const filter = { actorName: visit.query('actorName') ?? '', action: visit.query('action') ?? '' }
  return <AuditPage frame={visit.frame} records={listingOf(visit, page)} filter={filter} />
}

const own = { objectType: null, fallback: '/account' }
const users = { action: 'users.change', objectType: null, fallback: '/users' } as const

export const accountPages: readonly Page[] = [
  view('/account', 'account.read', (visit) => accountPage(visit, null)),
  act({ ...own, path: '/account/tokens', action: 'tokens.own', run: makeToken }),
  act({ ...own, path: '/account/tokens/:id/end', action: 'tokens.own', run: endToken }),
  act({ ...own, path: '/account/sessions/end-others', action: 'account.change', run: endOthers }),
  act({ ...own, path: '/account/password', action: 'account.change', run: changePassword }),
  view('/users', 'users.read', showUsers),
  act({ ...users, path: '/users', run: addUser }),
  act({ ...users, path: '/users/:id', run: changeUser }),
  act({ ...users, path: '/users/:id/delete', run: removeUser }),
  view('/audit', 'audit.read', showAudit),
]
