import { afterAll, beforeAll, expect, test } from 'bun:test'

import { API_ENDPOINTS } from '../../../src/master/api/endpoints/all.ts'
import { DESCRIBED_ENDPOINTS } from '../../../src/master/api/endpoints/described.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type SeededFleet, seedFleet } from '../../fakes/seeded-fleet.ts'
import { PASSWORD, type TestAdmin, startTestAdmin } from '../../fakes/test-admin.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

let admin: TestAdmin
let fleet: SeededFleet

beforeAll(async () => {
  admin = await startTestAdmin()
  fleet = await seedFleet(admin)
  fleet.change('website', 120)
  await eventually('a job that ended', async () => {
    const jobs = await json<{ items: { state: string }[] }>('GET /jobs?state=done')
    return jobs.items.length > 0
  })
}, 30_000)

afterAll(async () => {
  fleet.stop()
  await admin.stop()
  removeMasterFolders()
})

async function json<T = Record<string, unknown>>(request: string, body?: unknown): Promise<T> {
  const answer = await admin.call('admin', request, body)
  return (await answer.json()) as T
}

const send = (request: string, headers: Record<string, string>, body?: unknown) => {
  const [method = '', path = ''] = request.split(' ')
  return fetch(`${admin.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${admin.tokens.admin}`,
      'content-type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

const REFUSED: readonly (readonly [
  request: string,
  body: unknown,
  status: number,
  code: string,
  field?: string,
])[] = [
  ['POST /regions', { name: 'x', size: 1 }, 400, 'UNKNOWN_FIELD', 'size'],
  ['POST /regions', {}, 400, 'INVALID_REQUEST', 'name'],
  ['POST /regions', { name: 'a b' }, 400, 'INVALID_REQUEST', 'name'],
  ['POST /regions', { name: 'eu' }, 409, 'NAME_TAKEN'],
  ['GET /regions?size=1', undefined, 400, 'UNKNOWN_FIELD', 'size'],
  ['GET /regions?limit=501', undefined, 400, 'INVALID_REQUEST', 'limit'],
  ['GET /regions?cursor=rubbish', undefined, 400, 'INVALID_REQUEST'],
  ['GET /regions/none', undefined, 404, 'NOT_FOUND'],
  ['GET /nothing', undefined, 404, 'NOT_FOUND'],
  ['DELETE /regions/name:eu', undefined, 409, 'IN_USE'],
  ['GET /jobs?state=nonsense', undefined, 400, 'INVALID_REQUEST', 'state.0'],
  ['POST /enrollment-tokens', { roles: ['cas'] }, 400, 'INVALID_REQUEST', 'groupId'],
  ['PATCH /policies/name:website', { colour: 'red' }, 400, 'UNKNOWN_FIELD', 'colour'],
  [
    'PATCH /policies/name:website',
    { retry: { attempts: 0 } },
    400,
    'INVALID_REQUEST',
    'retry.attempts',
  ],
  [
    'PATCH /policies/name:website',
    { filter: { include: ['(?=x)'] } },
    400,
    'PATTERN_UNSAFE',
    'filter.include',
  ],
  ['POST /policies/name:website/sync', { dryRun: true }, 501, 'NOT_IMPLEMENTED'],
  ['POST /policies/name:website/sync', { paths: ['a/b'] }, 501, 'NOT_IMPLEMENTED'],
  ['POST /policies/preview', {}, 501, 'NOT_IMPLEMENTED'],
  ['POST /license', 'rubbish', 403, 'LICENSE_INVALID'],
  ['POST /users', { name: 'x', password: 'short' }, 400, 'INVALID_REQUEST', 'password'],
]

test.each(REFUSED)('%s with %j is refused', async (...row) => {
  const [request, body, status, code] = row
  const answer = await admin.call('admin', request, body)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  const problem = (await answer.json()) as Record<string, unknown>
  expect(problem).toMatchObject({
    status,
    code,
    detail: expect.any(String),
    action: expect.any(String),
  })
  expect(answer.status).toBe(status)
  if (typeof row[4] === 'string') expect(problem['field']).toBe(row[4])
})

test('a body that is no JSON, or of another type, is refused', async () => {
  const headers = { authorization: `Bearer ${admin.tokens.admin}` }
  const post = (type: string, body: string) =>
    fetch(`${admin.url}/api/v1/regions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body,
    })
  expect(await (await post('application/json', '{')).json()).toMatchObject({
    code: 'INVALID_REQUEST',
  })
  expect(await (await post('text/plain', '{"name":"x"}')).json()).toMatchObject({
    code: 'INVALID_REQUEST',
  })
})

test('an object is made, read, changed on its version, and deleted', async () => {
  const made = await admin.call('admin', 'POST /regions', { name: 'north' })
  expect([made.status, made.headers.get('etag')]).toEqual([201, '"1"'])
  const { id } = (await made.json()) as { id: string }
  expect(await json('GET /regions/name:north')).toMatchObject({ id, version: 1 })
  const stale = await send(`PATCH /regions/${id}`, { 'if-match': '"7"' }, { name: 'south' })
  expect([stale.status, await stale.json()]).toMatchObject([412, { code: 'STALE' }])
  const changed = await send(`PATCH /regions/${id}`, { 'if-match': '"1"' }, { name: 'south' })
  expect(changed.headers.get('etag')).toBe('"2"')
  const same = await send(`GET /regions/${id}`, { 'if-none-match': '"2"' })
  expect(same.status).toBe(304)
  expect((await admin.call('admin', `DELETE /regions/${id}`)).status).toBe(204)
  expect((await admin.call('admin', `GET /regions/${id}`)).status).toBe(404)
})

test('the same Idempotency-Key gives the same answer, and nothing is done twice', async () => {
  const key = { 'idempotency-key': 'once' }
  const body = { groupId: 'name:eu/web', roles: ['cas'] }
  const first = await send('POST /enrollment-tokens', key, body)
  const second = await send('POST /enrollment-tokens', key, body)
  const answer = await first.text()
  expect(await second.text()).toBe(answer)
  expect([first.status, second.status]).toEqual([201, 201])
  const other = await send('POST /enrollment-tokens', key, { ...body, maxUses: 2 })
  expect(await other.json()).toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
  const rows = await admin.context.database.read.all<object>('SELECT * FROM idempotency_keys')
  expect(JSON.stringify(rows)).not.toContain((JSON.parse(answer) as { token: string }).token)
  const refused = await send('POST /regions', { 'idempotency-key': 'again' }, { name: 'eu' })
  expect(refused.status).toBe(409)
  const fixed = await send('POST /regions', { 'idempotency-key': 'again' }, { name: 'west' })
  expect(fixed.status).toBe(201)
})

test('requests with one key at the same time make one object', async () => {
  const post = () => send('POST /regions', { 'idempotency-key': 'race' }, { name: 'race' })
  const answers = await Promise.all(Array.from({ length: 8 }, post))
  const statuses = answers.map((answer) => answer.status)
  expect(statuses.every((status) => status === 201 || status === 409)).toBe(true)
  expect(statuses).toContain(201)
})

test('a list is paged by cursor without a gap or a repetition', async () => {
  const names: string[] = []
  let cursor: string | null = null
  do {
    const next: string = cursor === null ? '' : `&cursor=${cursor}`
    const page: Listing = await json<Listing>(`GET /servers?limit=2${next}`)
    names.push(...page.items.map((item) => item.name))
    cursor = page.nextCursor
  } while (cursor !== null)
  expect(names).toEqual(Object.keys(fleet.serverIds).sort())
})

interface Listing {
  readonly items: readonly { readonly name: string }[]
  readonly nextCursor: string | null
}

test('a PATCH of a policy changes what it names, and null brings the default back', async () => {
  const patch = (body: object) => json<Record<string, unknown>>('PATCH /policies/name:assets', body)
  expect(await patch({ retry: { attempts: 7 } })).toMatchObject({
    retry: { attempts: 7, backoffMs: 1000 },
    filter: { exclude: ['\\.tmp$'] },
  })
  expect(await patch({ retry: null, maxDelete: { count: null } })).toMatchObject({
    retry: { attempts: 3 },
    maxDelete: { count: null, percent: 30 },
  })
})

test('an operator may drain a server and no more', async () => {
  const patch = (body: object) => admin.call('operator', 'PATCH /servers/name:eu-web-2', body)
  expect((await patch({ mode: 'drained' })).status).toBe(200)
  expect((await patch({ mode: 'active' })).status).toBe(200)
  expect(await (await patch({ weight: 5 })).json()).toMatchObject({ code: 'FORBIDDEN' })
})

test('a job with its targets and entries is as it is documented', async () => {
  const jobs = await json<{ items: { id: string }[] }>('GET /jobs?policyId=name:website')
  const id = jobs.items.at(-1)?.id ?? ''
  const answers = {
    '/jobs/:id': await json(`GET /jobs/${id}?waitS=1`),
    '/jobs/:id/targets': await json(`GET /jobs/${id}/targets`),
    '/jobs/:id/entries': await json(`GET /jobs/${id}/entries?state=applied&limit=3`),
    '/servers/:id': await json('GET /servers/name:eu-web-1'),
    '/policies/:id/convergence': await json('GET /policies/name:website/convergence'),
    '/policies/:id/route': await json('GET /policies/name:website/route?without=name:eu-web-1'),
    '/license': await json('GET /license'),
    '/audit': await json('GET /audit?limit=5'),
  }
  for (const [path, answer] of Object.entries(answers)) {
    const endpoint = API_ENDPOINTS.find(
      (candidate) => candidate.method === 'get' && candidate.path === path,
    )
    const parsed = endpoint?.result?.safeParse(answer)
    expect([path, parsed?.error?.issues ?? []]).toEqual([path, []])
  }
  expect(answers['/jobs/:id/entries']).toMatchObject({ items: [{ state: 'applied' }, {}, {}] })
})

test('a change by the API is in the audit with who made it', async () => {
  await admin.call('admin', 'POST /policies/name:downloads/pause', { reason: 'a reason' })
  const { items } = await json<{ items: Record<string, unknown>[] }>(
    'GET /audit?action=policies.operate',
  )
  expect(items[0]).toMatchObject({ actorName: 'admin', outcome: 'done', objectName: 'downloads' })
})

test('a session works with a cookie, and changes need proof of where they come from', async () => {
  const login = await admin.call(null, 'POST /login', { name: 'admin', password: PASSWORD })
  expect(login.status).toBe(201)
  const cookie = login.headers.get('set-cookie') ?? ''
  expect(cookie).toContain('HttpOnly')
  expect(cookie).toContain('SameSite=Lax')
  const { csrfToken } = (await login.json()) as { csrfToken: string }
  const post = (headers: Record<string, string>) =>
    fetch(`${admin.url}/api/v1/logout`, {
      method: 'POST',
      headers: { cookie: cookie.split(';')[0] ?? '', ...headers },
    })
  expect(await (await post({})).json()).toMatchObject({ code: 'CROSS_SITE' })
  expect(await (await post({ 'sec-fetch-site': 'cross-site' })).json()).toMatchObject({
    code: 'CROSS_SITE',
  })
  expect((await post({ 'x-csrf-token': csrfToken })).status).toBe(204)
  expect((await post({ 'x-csrf-token': csrfToken })).status).toBe(401)
})

test('a failed login tells nothing, and too many say how long to wait', async () => {
  const login = (name: string) =>
    admin.call(null, 'POST /login', { name, password: 'wrong password' })
  const known = await (await login('viewer')).json()
  expect(await (await login('nobody')).json()).toEqual(known)
  for (let index = 0; index < 4; index++) await login('viewer')
  const blocked = await login('viewer')
  expect(blocked.status).toBe(429)
  expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('without a licence only the licence, sign-in and health are served', async () => {
  admin.master.license.set('missing')
  try {
    const status = async (request: string) => (await admin.call('admin', request)).status
    expect(await status('GET /license')).toBe(200)
    expect(await status('GET /me')).toBe(200)
    const refused = await admin.call('admin', 'GET /policies')
    expect(await refused.json()).toMatchObject({
      code: 'LICENSE_MISSING',
      detail: expect.stringMatching(/^cannot read policies: /),
    })
    expect(await (await admin.call(null, 'GET //readyz')).json()).toMatchObject({ locked: true })
    const added = await fetch(`${admin.url}/api/v1/license`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin.tokens.admin}`, 'content-type': 'text/plain' },
      body: 'licence file',
    })
    expect([added.status, await added.json()]).toMatchObject([201, { state: 'valid' }])
    expect(await status('GET /policies')).toBe(200)
  } finally {
    admin.master.license.set('valid')
  }
})

test('the document describes every endpoint, and nothing on its page comes from elsewhere', async () => {
  const document = (await (await admin.call(null, 'GET //api/openapi.json')).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  )
  expect(described.sort()).toEqual(
    [...API_ENDPOINTS, ...DESCRIBED_ENDPOINTS]
      .map(({ method, path }) => `${method} ${path}`)
      .sort(),
  )
  const page = await (await admin.call(null, 'GET //api/docs')).text()
  expect(page.match(/(?:src|href)="https?:[^"]*"/g)).toBeNull()
})

test('metrics are counts for everybody, and name policies only for accounts', async () => {
  const open = await (await admin.call(null, 'GET //metrics')).text()
  expect(open).toContain('cd_master_servers_connected 5')
  expect(open).not.toContain('website')
  const named = await (await admin.call('viewer', 'GET //metrics')).text()
  expect(named).toContain('cd_master_policy_converged{policy="website"}')
})

test('answers carry the headers that keep a browser safe', async () => {
  const { headers } = await admin.call(null, 'GET //sign-in')
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  )
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('cache-control')).toBe('no-store')
})

interface HeldJob {
  readonly id: string
  readonly hold: { readonly code: string; readonly fingerprint: string } | null
}

async function heldJob(code: string): Promise<HeldJob> {
  let held: HeldJob | undefined
  await eventually(`what is held: ${code}`, async () => {
    const { items } = await json<{ items: HeldJob[] }>('GET /jobs?state=held')
    held = items.find(({ hold }) => hold?.code === code)
    return held !== undefined
  })
  if (held === undefined) throw new Error('unreachable')
  return held
}

async function answers(request: string, body: unknown): Promise<(string | number | undefined)[]> {
  const answer = await admin.call('admin', request, body)
  const { code, state } = (await answer.json()) as { code?: string; state?: string }
  return [answer.status, code ?? state]
}

test('what a target holds is shown whole, and answered by what was shown', async () => {
  fleet.strangers(12)
  const { id, hold } = await heldJob('FIRST_CONTACT')
  expect(await json(`GET /jobs/${id}`)).toMatchObject({
    kind: 'initial',
    state: 'held',
    hold: {
      code: 'FIRST_CONTACT',
      message: '12 files lie there that the source has not put there',
      action: 'Look at what would go, then approve it or keep it.',
      preview: { deletes: 11, updates: 1, bytes: 144_000 },
      clearsItself: false,
    },
  })
  const approve = `POST /jobs/${id}/approve`
  expect(await answers(approve, { fingerprint: 'another' })).toEqual([409, 'HOLD_CHANGED'])
  const { fingerprint } = hold ?? {}
  const [status] = await answers(approve, { fingerprint })
  expect(status).toBe(200)
  expect(await answers(approve, { fingerprint })).toEqual([409, 'HOLD_CHANGED'])
})

test('another folder in the place of a root is shown as what clears itself, and is not cancelled', async () => {
  fleet.swapRoot()
  const { id, hold } = await heldJob('ROOT_CHANGED')
  expect(hold).toMatchObject({ clearsItself: true, fingerprint: 'folder-2' })
  expect(await answers(`POST /jobs/${id}/cancel`, {})).toEqual([409, 'ROOT_CHANGED'])
})
