import type { Hono } from 'hono'

import { AppError } from '../../core/base/errors.ts'
import { audited } from '../auth/audit.ts'
import { assertSameSite, isSafeMethod } from '../auth/cross-site.ts'
import { type Person, authorize } from '../auth/identity.ts'
import type { AdminContext } from './context.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { type KeptAnswer, once } from './idempotency.ts'
import { assertUnlocked } from './lock.ts'
import { parseRequest } from './parse.ts'
import { type AdminEnv, type AdminRequest, originOf } from './request.ts'

/** Where the API lives. */
export const API_BASE = '/api/v1'

/** Serves endpoints: who asks, may they, what do they say, has it been said before; then the work. */
export function mountEndpoints(
  app: Hono<AdminEnv>,
  context: AdminContext,
  endpoints: readonly Endpoint[],
): void {
  for (const endpoint of endpoints) {
    app.on(endpoint.method.toUpperCase(), API_BASE + endpoint.path, (request) =>
      serve({ context, endpoint, request }),
    )
  }
}

interface Serving {
  readonly context: AdminContext
  readonly endpoint: Endpoint
  readonly request: AdminRequest
}

async function serve(serving: Serving): Promise<Response> {
  const { context, endpoint, request } = serving
  const person = authorize(request.var.identity, endpoint.action)
  if (person.kind === 'session')
    assertSameSite(
      originOf(request, request.req.header('x-csrf-token') ?? null),
      person.session.csrfToken,
    )
  assertUnlocked(context, endpoint.action)
  const text = isSafeMethod(request.req.method) ? '' : await request.req.text()
  const key = request.req.header('idempotency-key')
  const work = () => answer(serving, person, text)
  if (endpoint.method !== 'post' || key === undefined) return toResponse(request, await work())
  if (key.length === 0 || key.length > 255)
    throw new AppError(
      'INVALID_REQUEST',
      'cannot accept Idempotency-Key: it must have 1 to 255 characters',
    )
  const content = `${request.req.method} ${request.req.path}\n${text}`
  const repeatable = { actor: person.actor.userId ?? person.actor.name, key, content }
  return toResponse(request, await once(context, repeatable, work))
}

async function answer(
  { context, endpoint, request }: Serving,
  person: Person,
  text: string,
): Promise<KeptAnswer> {
  const said = endpoint.plainBody ? text : readJson(text, request)
  const body = endpoint.body === null ? undefined : parseRequest(endpoint.body, said)
  const call: Call<unknown, unknown> = {
    context,
    actor: person.actor,
    person,
    params: request.req.param(),
    query: endpoint.query === null ? {} : parseRequest(endpoint.query, request.req.query()),
    body,
    expectedVersion: expectedVersion(request),
    request,
  }
  const result = await (endpoint.audit === null ? endpoint.run(call) : runAudited(endpoint, call))
  const tag = etagOf(result)
  return {
    status: endpoint.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(tag === null ? {} : { etag: tag }),
    },
    body: endpoint.status === 204 ? '' : JSON.stringify(result),
  }
}

function runAudited(endpoint: Endpoint, call: Call<unknown, unknown>): Promise<unknown> {
  const act = {
    action: endpoint.action,
    objectType: endpoint.audit?.objectType ?? 'object',
    objectId: call.params['id'] ?? null,
    details: {
      method: endpoint.method,
      path: endpoint.path,
      ...endpoint.audit?.details?.(call.body),
    },
  }
  return audited(call.context, { actor: call.actor, act }, () => endpoint.run(call))
}

/** Gives the JSON of a body, `{}` where there is none; INVALID_REQUEST for anything else. */
export function readJson(text: string, request: AdminRequest): unknown {
  if (text.trim() === '') return {}
  const type = request.req.header('content-type') ?? ''
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type))
    throw new AppError(
      'INVALID_REQUEST',
      `cannot read body of type "${type}": it must be application/json`,
    )
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('INVALID_REQUEST', 'cannot read body: it is no JSON', { cause })
  }
}

function expectedVersion(request: AdminRequest): number | undefined {
  const header = request.req.header('if-match')
  if (header === undefined || header.trim() === '*') return undefined
  const version = /^(?:W\/)?"(\d{1,15})"$/.exec(header.trim())?.[1]
  if (version === undefined) throw new AppError('STALE', `cannot match version ${header}`)
  return Number(version)
}

/** An object's version is its tag; a server's `version` is its program's, so its own is `revision`. */
function etagOf(result: unknown): string | null {
  if (typeof result !== 'object' || result === null) return null
  const { revision, version } = result as { revision?: unknown; version?: unknown }
  if (typeof revision === 'number') return `"${revision}"`
  return typeof version === 'number' ? `"${version}"` : null
}

function toResponse(request: AdminRequest, kept: KeptAnswer): Response {
  const fresh =
    kept.headers['etag'] !== undefined &&
    request.req.header('if-none-match') === kept.headers['etag']
  if (fresh && request.req.method === 'GET')
    return new Response(null, { status: 304, headers: kept.headers })
  return new Response(kept.status === 204 ? null : kept.body, {
    status: kept.status,
    headers: kept.headers,
  })
}
