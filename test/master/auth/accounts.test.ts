import { afterAll, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AppError } from '../../../src/core/base/errors.ts'
import {
  createApiToken,
  findTokenActor,
  listApiTokens,
} from '../../../src/master/auth/api-tokens.ts'
import { audited, listAudit } from '../../../src/master/auth/audit.ts'
import type { AuthContext } from '../../../src/master/auth/context.ts'
import { findSession, signIn, signOut } from '../../../src/master/auth/sessions.ts'
import {
  changeOwnPassword,
  createUser,
  deleteUser,
  listUsers,
  setPassword,
  updateUser,
} from '../../../src/master/auth/users.ts'
import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { openMasterDatabase } from '../../../src/master/db/database.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-auth-'))
const closing: (() => Promise<void>)[] = []
let context: AuthContext
let nowMs = 0
let count = 0

beforeEach(async () => {
  nowMs = Date.parse('2026-11-23T12:00:00Z')
  const database = await openMasterDatabase(join(folder, `${count++}.db`))
  closing.push(() => database.close())
  context = { database, clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() } }
})

afterAll(async () => {
  for (const close of closing) await close()
  rmSync(folder, { recursive: true })
})

const PASSWORD = 'correct horse'
const root = { name: 'root', password: PASSWORD, role: 'admin' as const }
const attempt = (password: string, address = '10.0.0.1') =>
  signIn(context, { name: 'root', password, address, userAgent: null, formerToken: null })

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  )

test('signIn() gives a session whose cookie is stored nowhere', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const session = await attempt(PASSWORD)
  expect((await findSession(context, session.token, null))?.actor.name).toBe('root')
  expect(await findSession(context, `${session.token}x`, null)).toBeNull()
  const stored = await context.database.read.all<Record<string, unknown>>('SELECT * FROM sessions')
  expect(JSON.stringify(stored)).not.toContain(session.token)
})

test('a session ends by signing out, by disuse and by age', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const out = await attempt(PASSWORD)
  const found = await findSession(context, out.token, null)
  if (found !== null) await signOut(context, found)
  expect(await findSession(context, out.token, null)).toBeNull()
  const idle = await attempt(PASSWORD)
  nowMs += 12 * 3_600_000 + 1
  expect(await findSession(context, idle.token, null)).toBeNull()
  const old = await attempt(PASSWORD)
  for (let hour = 0; hour < 7 * 24; hour += 11) {
    expect(await findSession(context, old.token, null)).not.toBeNull()
    nowMs += 11 * 3_600_000
  }
  expect(await findSession(context, old.token, null)).toBeNull()
})

test('signIn() ends the session whose cookie came along', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const first = await attempt(PASSWORD)
  const login = { name: 'root', password: PASSWORD, address: null, userAgent: null }
  const second = await signIn(context, { ...login, formerToken: first.token })
  expect(second.token).not.toBe(first.token)
  expect(await findSession(context, first.token, null)).toBeNull()
})

test('signIn() slows a name down after five failures, and forgets after a success', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  for (let index = 0; index < 5; index++)
    expect(await codeOf(attempt('wrong'))).toBe('LOGIN_FAILED')
  expect(await codeOf(attempt(PASSWORD))).toBe('TOO_MANY_ATTEMPTS')
  nowMs += 1000
  expect(await codeOf(attempt(PASSWORD))).toBe('done')
  expect(await codeOf(attempt('wrong'))).toBe('LOGIN_FAILED')
  expect(await codeOf(attempt(PASSWORD))).toBe('done')
})

test('signIn() counts attempts that run at the same time', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const codes = await Promise.all(Array.from({ length: 12 }, () => codeOf(attempt('wrong'))))
  expect(codes.filter((code) => code === 'LOGIN_FAILED')).toHaveLength(5)
})

test('signIn() slows an address down whatever names it tries', async () => {
  for (let index = 0; index < 20; index++) {
    const login = { name: `name-${index}`, password: 'wrong', address: '10.9.9.9' }
    await codeOf(signIn(context, { ...login, userAgent: null, formerToken: null }))
  }
  expect(await codeOf(attempt('wrong', '10.9.9.9'))).toBe('TOO_MANY_ATTEMPTS')
  expect(await codeOf(attempt('wrong', '10.9.9.8'))).toBe('LOGIN_FAILED')
}, 30_000)

test('a disabled account may neither sign in nor use its sessions and tokens', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const guest = await createUser(context, SYSTEM_ACTOR, { ...root, name: 'guest' })
  const order = { user: 'name:guest', name: 'script', days: 1 }
  const { token } = await createApiToken(context, SYSTEM_ACTOR, order)
  expect((await findTokenActor(context, token, null))?.name).toBe('guest')
  await updateUser(context, SYSTEM_ACTOR, { reference: guest.id, change: { disabled: true } })
  expect(await findTokenActor(context, token, null)).toBeNull()
  const login = {
    name: 'guest',
    password: PASSWORD,
    address: null,
    userAgent: null,
    formerToken: null,
  }
  expect(await codeOf(signIn(context, login))).toBe('LOGIN_FAILED')
})

test('the last administrator stays one', async () => {
  const { id } = await createUser(context, SYSTEM_ACTOR, root)
  const demote = () =>
    updateUser(context, SYSTEM_ACTOR, { reference: id, change: { role: 'viewer' } })
  expect(await codeOf(demote())).toBe('IN_USE')
  expect(await codeOf(deleteUser(context, SYSTEM_ACTOR, id))).toBe('IN_USE')
  await createUser(context, SYSTEM_ACTOR, { ...root, name: 'second' })
  expect(await codeOf(demote())).toBe('done')
})

test('a changed password ends sessions; one’s own takes the old one', async () => {
  const { id } = await createUser(context, SYSTEM_ACTOR, root)
  const session = await attempt(PASSWORD)
  const actor = { ...SYSTEM_ACTOR, userId: id }
  const change = (current: string) =>
    changeOwnPassword(context, actor, { current, next: 'another one' })
  expect(await codeOf(change('wrong'))).toBe('LOGIN_FAILED')
  expect(await codeOf(change(PASSWORD))).toBe('done')
  expect(await findSession(context, session.token, null)).toBeNull()
  await setPassword(context, SYSTEM_ACTOR, { name: 'root', password: PASSWORD })
  expect(await codeOf(attempt(PASSWORD))).toBe('done')
})

test('createUser() refuses names and passwords that are not allowed', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const create = (change: object) =>
    codeOf(createUser(context, SYSTEM_ACTOR, { ...root, ...change }))
  expect(await create({})).toBe('NAME_TAKEN')
  expect(await create({ name: 'a b' })).toBe('INVALID_REQUEST')
  expect(await create({ name: 'x', password: 'short' })).toBe('INVALID_REQUEST')
})

test('a token may no more than its account, expires, and follows a change of role', async () => {
  await createUser(context, SYSTEM_ACTOR, root)
  const { id } = await createUser(context, SYSTEM_ACTOR, { ...root, name: 'op', role: 'operator' })
  const make = (order: object) =>
    createApiToken(context, SYSTEM_ACTOR, { user: 'name:op', name: 't', days: 1, ...order })
  expect(await codeOf(make({ role: 'admin' }))).toBe('FORBIDDEN')
  expect(await codeOf(make({ role: 'operator', maximum: 'viewer' }))).toBe('FORBIDDEN')
  const { token } = await make({})
  await updateUser(context, SYSTEM_ACTOR, { reference: id, change: { role: 'viewer' } })
  expect((await findTokenActor(context, token, null))?.role).toBe('viewer')
  nowMs += 86_400_001
  expect(await findTokenActor(context, token, null)).toBeNull()
  expect((await listApiTokens(context, { userId: id })).items).toHaveLength(1)
})

test('lists are paged by key', async () => {
  for (const name of ['c', 'a', 'b']) await createUser(context, SYSTEM_ACTOR, { ...root, name })
  const first = await listUsers(context, { limit: 2 })
  const second = await listUsers(context, { limit: 2, cursor: first.nextCursor ?? undefined })
  expect([...first.items, ...second.items].map((user) => user.name)).toEqual(['a', 'b', 'c'])
  expect(second.nextCursor).toBeNull()
})

test('audited() writes down what was done, what was refused, and what never ended', async () => {
  const act = { action: 'policies.change', objectType: 'policy' }
  const record = { actor: SYSTEM_ACTOR, act }
  await audited(context, record, async () => ({ id: 'p1', name: 'web', secret: 'x' }))
  await codeOf(audited(context, record, () => Promise.reject(new AppError('NAME_TAKEN', 'x'))))
  let end = (): void => undefined
  const never = audited(context, record, () => new Promise<void>((resolve) => (end = resolve)))
  while ((await listAudit(context, {})).items.length < 3) await Bun.sleep(5)
  const { items } = await listAudit(context, {})
  expect(items.map((item) => [item.outcome, item.objectId, item.objectName])).toEqual([
    ['begun', null, null],
    ['NAME_TAKEN', null, null],
    ['done', 'p1', 'web'],
  ])
  end()
  await never
})
