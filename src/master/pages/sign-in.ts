import type { Hono } from 'hono'
import { setCookie } from 'hono/cookie'

import { AppError, ERRORS } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import { type AdminEnv, type AdminRequest, originOf } from '../api/request.ts'
import { endSession, startSession } from '../api/session-routes.ts'
import { assertFormToken, assertNotForeign, assertSameSite } from '../auth/cross-site.ts'
import { readForm } from './form.ts'
import { THEME_COOKIE } from './frame.ts'
import { errorNotice, leaveNotice } from './notice.ts'

type Show = (request: AdminRequest, name: string) => Promise<string>

const YEAR_S = 365 * 86_400

/** Signing in and out by the pages, and the choice of colours. */
export function mountSignIn(app: Hono<AdminEnv>, context: AdminContext, show: Show): void {
  app.get('/sign-in', async (request) =>
    request.var.identity.kind === 'session'
      ? request.redirect(localPath(request.req.query('back') ?? '/'), 303)
      : request.html(await show(request, ''), 200, { 'cache-control': 'no-store' }),
  )
  app.post('/sign-in', (request) => signInByForm(context, request))
  app.post('/sign-out', (request) => signOutByForm(context, request))
  app.post('/theme', (request) => chooseTheme(request))
}

async function signInByForm(context: AdminContext, request: AdminRequest): Promise<Response> {
  assertNotForeign(originOf(request, null))
  const form = await readForm(request)
  const back = localPath(form.text('back'))
  try {
    await startSession(context, request, {
      name: form.text('name').slice(0, 63),
      password: form.secret('password').slice(0, 1025),
    })
    return request.redirect(back, 303)
  } catch (thrown) {
    if (!(thrown instanceof AppError) || ERRORS[thrown.code].status >= 500) throw thrown
    leaveNotice(request, errorNotice(thrown))
    return request.redirect(
      back === '/' ? '/sign-in' : `/sign-in?back=${encodeURIComponent(back)}`,
      303,
    )
  }
}

async function signOutByForm(context: AdminContext, request: AdminRequest): Promise<Response> {
  const { identity } = request.var
  if (identity.kind === 'session') {
    const form = await readForm(request)
    assertSameSite(originOf(request, form.text('csrf')), identity.session.csrfToken)
    assertFormToken(form.text('csrf'), identity.session.csrfToken)
    await endSession(context, request, identity)
  }
  return request.redirect('/sign-in', 303)
}

async function chooseTheme(request: AdminRequest): Promise<Response> {
  assertNotForeign(originOf(request, null))
  const form = await readForm(request)
  const theme = form.text('theme')
  if (theme === 'light' || theme === 'dark' || theme === 'system')
    setCookie(request, THEME_COOKIE, theme, {
      path: '/',
      sameSite: 'Lax',
      httpOnly: true,
      maxAge: YEAR_S,
    })
  return request.redirect(localPath(form.text('back')), 303)
}

/** A path of ours; anything that could lead elsewhere becomes the overview. */
function localPath(path: string): string {
  return /^\/(?![/\\])[\x20-\x7e]*$/.test(path) ? path : '/'
}
