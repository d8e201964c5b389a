import type { Hono } from 'hono'

import { SignInPage, TroublePage } from '../../../views/pages/sign-in.tsx'
import { TroubleInsidePage } from '../../../views/pages/trouble.tsx'
import { AppError, ERRORS } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import { assertUnlocked } from '../api/lock.ts'
import { toProblem } from '../api/problem.ts'
import { type AdminEnv, type AdminRequest, originOf } from '../api/request.ts'
import { audited } from '../auth/audit.ts'
import { assertFormToken, assertSameSite } from '../auth/cross-site.ts'
import { authorize } from '../auth/identity.ts'
import { ASSETS } from './assets.ts'
import { mountDocsPage } from './docs-page.tsx'
import { readForm } from './form.ts'
import { type Visitor, frameOf, themeOf } from './frame.ts'
import { htmlOf } from './html.ts'
import { mountInstallRequest } from './license-pages.tsx'
import { mountLive } from './live.ts'
import { errorNotice, leaveNotice, sentence, takeNotice } from './notice.ts'
import { PAGES } from './page-list.ts'
import type { Act, ActPage, Outcome, Page, ViewPage, Visit } from './page.ts'
import { mountSignIn } from './sign-in.ts'

/** Serves the pages: who comes, may he, and what is shown. */
export function mountPages(app: Hono<AdminEnv>, context: AdminContext, closing: AbortSignal): void {
  mountSignIn(app, context, (request, name) => signInPage(request, name))
  mountDocsPage(app, context)
  mountInstallRequest(app, context)
  mountLive(app, context, closing)
  for (const page of PAGES) mountPage(app, context, page)
}

function mountPage(app: Hono<AdminEnv>, context: AdminContext, page: Page): void {
  if (page.kind === 'view') app.get(page.path, (request) => showPage({ context, request }, page))
  else app.post(page.path, (request) => runAct({ context, request }, page))
}

interface Arrival {
  readonly context: AdminContext
  readonly request: AdminRequest
}

async function showPage(arrival: Arrival, page: ViewPage): Promise<Response> {
  const { request } = arrival
  const entry = enter(arrival, page)
  if (entry instanceof Response) return entry
  const shown = await page.show(entry)
  return request.html(await htmlOf(shown), 200, { 'cache-control': 'no-store' })
}

/** Lets somebody in, or says where he has to go first: to sign in, or to the licence. */
function enter({ context, request }: Arrival, page: Page): Visit | Response {
  const { identity } = request.var
  if (identity.kind !== 'session') return request.redirect(signInAddress(request), 303)
  authorize(identity, page.action)
  try {
    assertUnlocked(context, page.action)
  } catch (thrown) {
    if (page.kind === 'act') throw thrown
    return request.redirect('/license', 303)
  }
  return visitOf({ context, request }, identity)
}

function visitOf({ context, request }: Arrival, visitor: Visitor): Visit {
  return {
    context,
    request,
    visitor,
    actor: visitor.actor,
    frame: frameOf(context, request, visitor),
    param: (name) => request.req.param(name) ?? '',
    query: (name) => request.req.query(name)?.trim() || undefined,
  }
}

function signInAddress(request: AdminRequest): string {
  const { pathname, search } = new URL(request.req.url)
  const back = request.req.method === 'GET' ? pathname + search : '/'
  return back === '/' ? '/sign-in' : `/sign-in?back=${encodeURIComponent(back)}`
}

async function runAct(arrival: Arrival, page: ActPage): Promise<Response> {
  const { request } = arrival
  const entry = enter(arrival, page)
  if (entry instanceof Response) return entry
  const form = await readForm(request)
  const csrfToken = form.text('csrf')
  assertSameSite(originOf(request, csrfToken), entry.visitor.session.csrfToken)
  assertFormToken(csrfToken, entry.visitor.session.csrfToken)
  try {
    return await toResponse(request, await work(page, { visit: entry, form }))
  } catch (thrown) {
    return refusal(request, page, thrown)
  }
}

function work(page: ActPage, act: Act): Promise<Outcome> {
  if (page.objectType === null) return page.run(act)
  const { context, actor } = act.visit
  const objectId = act.visit.param('id') || null
  const record = {
    action: page.action,
    objectType: page.objectType,
    objectId,
    details: { page: page.path },
  }
  return audited(context, { actor, act: record }, () => page.run(act))
}

async function toResponse(request: AdminRequest, outcome: Outcome): Promise<Response> {
  if ('page' in outcome)
    return request.html(await htmlOf(outcome.page), outcome.status ?? 200, {
      'cache-control': 'no-store',
    })
  if (outcome.say !== undefined) leaveNotice(request, { tone: 'good', text: outcome.say })
  return request.redirect(outcome.to, 303)
}

/** What was refused is said on the page that somebody came from. */
function refusal(request: AdminRequest, page: ActPage, thrown: unknown): Response {
  if (!(thrown instanceof AppError) || thrown.code === 'INTERNAL') throw thrown
  leaveNotice(request, errorNotice(thrown))
  return request.redirect(cameFrom(request) ?? page.fallback, 303)
}

function cameFrom(request: AdminRequest): string | null {
  const referer = request.req.header('referer')
  if (referer === undefined || !URL.canParse(referer)) return null
  const { host, pathname, search } = new URL(referer)
  return host === request.req.header('host') ? pathname + search : null
}

async function signInPage(request: AdminRequest, name: string): Promise<string> {
  const props = {
    assets: ASSETS,
    theme: themeOf(request),
    notice: takeNotice(request),
    name,
    back: request.req.query('back') ?? '/',
  }
  return htmlOf(<SignInPage {...props} />)
}

/** Shows an error as a page: within the frame for somebody who is signed in. */
export async function troubleResponse(
  context: AdminContext,
  request: AdminRequest,
  error: AppError,
): Promise<Response> {
  const { status, title } = toProblem(error)
  const props = {
    title,
    text: sentence(error),
    action: ERRORS[error.code].action,
    code: error.code,
  }
  const identity = request.get('identity')
  const page =
    identity?.kind === 'session' ? (
      <TroubleInsidePage frame={frameOf(context, request, identity)} {...props} />
    ) : (
      <TroublePage assets={ASSETS} theme={themeOf(request)} {...props} />
    )
  return new Response(await htmlOf(page), {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  })
}
