import type { Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'

import { assertNotForeign, assertSameSite } from '../auth/cross-site.ts'
import { type Person, authorize } from '../auth/identity.ts'
import { type NewSession, signIn, signOut } from '../auth/sessions.ts'
import type { AdminContext } from './context.ts'
import { parseRequest } from './parse.ts'
import { type AdminEnv, type AdminRequest, SESSION_COOKIE, addressOf, originOf } from './request.ts'
import { API_BASE, readJson } from './router.ts'

export const loginBody = z.strictObject({
  name: z.string().max(63),
  password: z.string().max(1024),
})

/** Signing in and out by the API, and who one is. */
export function mountSessionRoutes(app: Hono<AdminEnv>, context: AdminContext): void {
  app.post(`${API_BASE}/login`, async (request) => {
    assertNotForeign(originOf(request, null))
    const body = parseRequest(loginBody, readJson(await request.req.text(), request))
    const session = await startSession(context, request, body)
    return request.json(sessionView(session, session.actor), 201, { 'cache-control': 'no-store' })
  })
  app.post(`${API_BASE}/logout`, async (request) => {
    const person = authorize(request.var.identity, 'session.end')
    if (person.kind === 'session') {
      assertSameSite(
        originOf(request, request.req.header('x-csrf-token') ?? null),
        person.session.csrfToken,
      )
      await endSession(context, request, person)
    }
    return request.body(null, 204)
  })
  app.get(`${API_BASE}/me`, (request) => {
    const person = authorize(request.var.identity, 'account.read')
    const session = person.kind === 'session' ? person.session : null
    return request.json(sessionView(session, person.actor), 200, { 'cache-control': 'no-store' })
  })
}

function sessionView(
  session: Pick<NewSession, 'expiresAt' | 'csrfToken'> | null,
  actor: Person['actor'],
) {
  return {
    userId: actor.userId,
    name: actor.name,
    role: actor.role,
    expiresAt: session?.expiresAt ?? null,
    csrfToken: session?.csrfToken ?? null,
  }
}

/** Signs in and gives the browser its cookie; LOGIN_FAILED, TOO_MANY_ATTEMPTS. */
export async function startSession(
  context: AdminContext,
  request: AdminRequest,
  login: z.output<typeof loginBody>,
): Promise<NewSession> {
  const session = await signIn(context, {
    ...login,
    address: addressOf(request),
    userAgent: request.req.header('user-agent') ?? null,
    formerToken: getCookie(request, SESSION_COOKIE) ?? null,
  })
  setCookie(request, SESSION_COOKIE, session.token, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: new URL(request.req.url).protocol === 'https:',
    expires: new Date(session.expiresAt),
  })
  return session
}

/** Ends a session and takes the cookie back. */
export async function endSession(
  context: AdminContext,
  request: AdminRequest,
  person: Extract<Person, { kind: 'session' }>,
): Promise<void> {
  await signOut(context, person.session)
  deleteCookie(request, SESSION_COOKIE, { path: '/' })
}
