import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'

import { AppError } from '../../core/base/errors.ts'
import { mountAssets } from '../pages/assets.ts'
import { mountPages, troubleResponse } from '../pages/pages.tsx'
import type { AdminContext } from './context.ts'
import { mountDocumentRoutes } from './document-routes.ts'
import { API_ENDPOINTS } from './endpoints/all.ts'
import { mountEventRoutes } from './event-routes.ts'
import { mountHealthRoutes } from './health-routes.ts'
import { asError, problemResponse } from './problem.ts'
import { type AdminEnv, identityOf } from './request.ts'
import { mountEndpoints } from './router.ts'
import { mountSessionRoutes } from './session-routes.ts'

/** A policy with all its targets fits well; more is no request of ours. */
const BODY_BYTES_MAX = 8 << 20

/** Nothing is loaded from elsewhere, and no script or style stands in a page. */
const CONTENT_SECURITY_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
}

/** The admin listener's program: pages, API, events and health. */
export interface AdminApp {
  /** For `Bun.serve`, which must have `idleTimeout: 0`: events stream for as long as someone reads. */
  fetch(request: Request, server?: unknown): Response | Promise<Response>
}

/** Puts the admin listener together; when `closing` is aborted, streams end. */
export function createAdminApp(context: AdminContext, closing: AbortSignal): AdminApp {
  const app = new Hono<AdminEnv>()
  app.use(headers())
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: refuseLarge }))
  mountAssets(app)
  app.use(async (request, next) => {
    request.set('identity', await identityOf(context, request))
    await next()
  })
  mountHealthRoutes(app, context)
  mountDocumentRoutes(app, context.settings.version)
  mountSessionRoutes(app, context)
  mountEventRoutes(app, context, closing)
  mountEndpoints(app, context, API_ENDPOINTS)
  mountPages(app, context, closing)
  answerErrors(app, context)
  return { fetch: (request, server) => app.fetch(request, server as AdminEnv['Bindings']) }
}

function headers() {
  return secureHeaders({
    contentSecurityPolicy: CONTENT_SECURITY_POLICY,
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
    // Only where the listener itself has TLS: on plain loopback it would lock a browser out of other things there.
    strictTransportSecurity: false,
  })
}

function refuseLarge(): never {
  throw new AppError('REQUEST_TOO_LARGE', `cannot read request: it is over ${BODY_BYTES_MAX} bytes`)
}

function answerErrors(app: Hono<AdminEnv>, context: AdminContext): void {
  app.notFound((request) => {
    const error = new AppError('NOT_FOUND', `cannot find "${request.req.path}"`)
    return isForPrograms(request.req.path)
      ? problemResponse(error)
      : troubleResponse(context, request, error)
  })
  app.onError((thrown, request) => {
    const error = asError(thrown)
    if (error.code === 'INTERNAL')
      context.log.error('a request failed', { path: request.req.path, error: thrown })
    return isForPrograms(request.req.path)
      ? problemResponse(error)
      : troubleResponse(context, request, error)
  })
}

function isForPrograms(path: string): boolean {
  return /^\/(api\/v1|api\/openapi\.json|healthz|readyz|metrics)(\/|$)/.test(path)
}
