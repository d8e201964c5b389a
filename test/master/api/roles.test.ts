import { afterAll, beforeAll, expect, test } from 'bun:test'

import { API_ENDPOINTS } from '../../../src/master/api/endpoints/all.ts'
import type { UserRole } from '../../../src/master/model.ts'
import { PAGES } from '../../../src/master/pages/page-list.ts'
import { PASSWORD, ROLES, type TestAdmin, startTestAdmin } from '../../fakes/test-admin.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

// Who may do what, as it is documented: written down a second time, so that a change there is seen here.

const API: Readonly<Record<UserRole, readonly string[]>> = {
  viewer: [
    'GET /regions',
    'GET /regions/:id',
    'GET /groups',
    'GET /groups/:id',
    'GET /servers',
    'GET /servers/:id',
    'GET /servers/:id/metrics',
    'GET /policies',
    'GET /policies/:id',
    'GET /policies/:id/convergence',
    'GET /policies/:id/route',
    'GET /convergence',
    'GET /hop-rules',
    'GET /hop-rules/:id',
    'GET /jobs',
    'GET /jobs/:id',
    'GET /jobs/:id/targets',
    'GET /jobs/:id/entries',
    'GET /license',
    'GET /tokens',
    'POST /tokens',
    'GET /tokens/:id',
    'DELETE /tokens/:id',
  ],
  operator: [
    'PATCH /servers/:id',
    'GET /servers/:id/files',
    'POST /servers/:id/filter-trial',
    'POST /policies/:id/pause',
    'POST /policies/:id/resume',
    'POST /policies/:id/sync',
    'POST /jobs/:id/cancel',
    'POST /jobs/:id/retry',
    'POST /jobs/:id/approve',
  ],
  admin: [
    'POST /regions',
    'PATCH /regions/:id',
    'DELETE /regions/:id',
    'POST /groups',
    'PATCH /groups/:id',
    'DELETE /groups/:id',
    'DELETE /servers/:id',
    'POST /servers/:id/revoke',
    'GET /enrollment-tokens',
    'POST /enrollment-tokens',
    'GET /enrollment-tokens/:id',
    'DELETE /enrollment-tokens/:id',
    'POST /policies',
    'PATCH /policies/:id',
    'DELETE /policies/:id',
    'POST /policies/preview',
    'POST /hop-rules',
    'PATCH /hop-rules/:id',
    'DELETE /hop-rules/:id',
    'POST /license',
    'GET /license/install-request',
    'GET /users',
    'POST /users',
    'GET /users/:id',
    'PATCH /users/:id',
    'DELETE /users/:id',
    'GET /audit',
    'GET /audit/:id',
  ],
}

const PAGE_ROLES: Readonly<Record<UserRole, readonly string[]>> = {
  viewer: [
    'GET /',
    'GET /servers',
    'GET /servers/:id',
    'GET /topology',
    'GET /policies',
    'GET /policies/:id',
    'GET /policies/:id/route',
    'GET /jobs',
    'GET /jobs/:id',
    'GET /license',
    'GET /account',
    'POST /account/tokens',
    'POST /account/tokens/:id/end',
    'POST /account/sessions/end-others',
    'POST /account/password',
  ],
  operator: [
    'POST /servers/:id/mode',
    'POST /policies/:id/pause',
    'POST /policies/:id/resume',
    'POST /policies/:id/sync',
    'POST /jobs/:id/cancel',
    'POST /jobs/:id/retry',
    'POST /jobs/:id/approve',
    'POST /jobs/:id/keep',
  ],
  admin: [
    'GET /servers/new',
    'POST /servers/new',
    'GET /enrollment-tokens/:id/arrivals',
    'POST /enrollment-tokens/:id/end',
    'POST /servers/:id',
    'POST /servers/:id/revoke',
    'POST /regions',
    'POST /regions/:id/delete',
    'POST /groups',
    'POST /groups/:id/delete',
    'POST /hop-rules',
    'POST /hop-rules/:id/delete',
    'GET /policies/new',
    'POST /policies/new',
    'GET /policies/:id/edit',
    'POST /policies/:id/edit',
    'POST /policies/:id/delete',
    'POST /license',
    'GET /users',
    'POST /users',
    'POST /users/:id',
    'POST /users/:id/delete',
    'GET /audit',
  ],
}

let admin: TestAdmin
const cookies = new Map<UserRole, string>()

beforeAll(async () => {
  admin = await startTestAdmin()
  for (const role of ROLES) {
    const login = await admin.call(null, 'POST /login', { name: role, password: PASSWORD })
    cookies.set(role, login.headers.get('set-cookie')?.split(';')[0] ?? '')
  }
})

afterAll(async () => {
  await admin.stop()
  removeMasterFolders()
})

const rank = (role: UserRole) => ROLES.indexOf(role)
const rows = (table: Readonly<Record<UserRole, readonly string[]>>) =>
  ROLES.flatMap((role) => table[role].map((request) => [request, role] as const))

test('every endpoint and page is in the tables', () => {
  const endpoints = API_ENDPOINTS.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  expect(endpoints.sort()).toEqual(Object.values(API).flat().sort())
  const pages = PAGES.map(({ kind, path }) => `${kind === 'view' ? 'GET' : 'POST'} ${path}`)
  expect(pages.sort()).toEqual(Object.values(PAGE_ROLES).flat().sort())
})

test.each(rows(API))('API: %s takes at least %s', async (request, least) => {
  const [method = '', path = ''] = request.replace(':id', 'no-such-id').split(' ')
  const body = method === 'GET' || method === 'DELETE' ? undefined : {}
  const nobody = await admin.call(null, `${method} ${path}`, body)
  expect(nobody.status).toBe(401)
  for (const role of ROLES) {
    const answer = await admin.call(role, `${method} ${path}`, body)
    const allowed = rank(role) >= rank(least)
    const text = await answer.text()
    expect([role, text.includes('"FORBIDDEN"')]).toEqual([role, !allowed])
    if (!allowed) expect(answer.status).toBe(403)
  }
})

test.each(rows(PAGE_ROLES))('page: %s takes at least %s', async (request, least) => {
  const [method = '', path = ''] = request.replace(':id', 'no-such-id').split(' ')
  const visit = (cookie: string | null) =>
    fetch(admin.url + path, {
      method,
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin', ...(cookie === null ? {} : { cookie }) },
      ...(method === 'POST' ? { body: new URLSearchParams({ csrf: 'none' }) } : {}),
    })
  const nobody = await visit(null)
  expect([nobody.status, nobody.headers.get('location')?.startsWith('/sign-in')]).toEqual([
    303,
    true,
  ])
  for (const role of ROLES) {
    const answer = await visit(cookies.get(role) ?? '')
    const allowed = rank(role) >= rank(least)
    const text = await answer.text()
    expect([role, text.includes('FORBIDDEN')]).toEqual([role, !allowed])
    expect([role, answer.status === 403 && !text.includes('CROSS_SITE')]).toEqual([role, !allowed])
  }
})
