import type { Server } from 'bun'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'

import { AppError } from '../../core/base/errors.ts'
import type { RequestOrigin } from '../auth/cross-site.ts'
import { type Identity, authorize, identify } from '../auth/identity.ts'
import type { Action } from '../auth/permissions.ts'
import type { AdminContext } from './context.ts'

export const SESSION_COOKIE = 'cd_session'

/** What travels with a request through the handlers. */
export interface AdminEnv {
  Bindings: Partial<Server<unknown>>
  Variables: { identity: Identity }
}

export type AdminRequest = Context<AdminEnv>

/** The peer's address; null where there is no connection (in tests without a listener). */
export function addressOf(request: AdminRequest): string | null {
  const server = request.env
  return server?.requestIP?.call(server, request.req.raw)?.address ?? null
}

/** Tells who sent this request; UNAUTHENTICATED for a token that does not hold. */
export async function identityOf(context: AdminContext, request: AdminRequest): Promise<Identity> {
  return identify(context, {
    authorization: request.req.header('authorization') ?? null,
    cookie: getCookie(request, SESSION_COOKIE) ?? null,
    address: addressOf(request),
  })
}

/** Makes the question whether who sent this request may still do it: sessions end, and roles change, while a stream lives. */
export function stillMay(
  context: AdminContext,
  request: AdminRequest,
  action: Action,
): () => Promise<boolean> {
  return async () => {
    try {
      authorize(await identityOf(context, request), action)
      return true
    } catch (thrown) {
      if (thrown instanceof AppError) return false
      throw thrown
    }
  }
}

/** What a request says of where it comes from. */
export function originOf(request: AdminRequest, csrfToken: string | null): RequestOrigin {
  return {
    method: request.req.method,
    fetchSite: request.req.header('sec-fetch-site') ?? null,
    origin: request.req.header('origin') ?? null,
    host: request.req.header('host') ?? new URL(request.req.url).host,
    csrfToken,
  }
}
