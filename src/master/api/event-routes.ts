import type { Hono } from 'hono'
import { z } from 'zod'

import { authorize } from '../auth/identity.ts'
import { objectReference } from '../policy-schema.ts'
import { findPolicy, findServer } from '../use-cases/lookup.ts'
import type { AdminContext } from './context.ts'
import { anyOf } from './endpoint.ts'
import { type EventFilter, busStream } from './event-stream.ts'
import { assertUnlocked } from './lock.ts'
import { parseRequest } from './parse.ts'
import { type AdminEnv, stillMay } from './request.ts'
import { API_BASE } from './router.ts'

const EVENT_TYPES = ['job', 'server', 'policy', 'convergence', 'hold', 'alert', 'license'] as const

export const eventQuery = z.strictObject({
  types: anyOf(EVENT_TYPES),
  policyId: objectReference.optional(),
  serverId: objectReference.optional(),
})

/** `GET /events`: what happens, as it happens. */
export function mountEventRoutes(
  app: Hono<AdminEnv>,
  context: AdminContext,
  closing: AbortSignal,
): void {
  app.get(`${API_BASE}/events`, async (request) => {
    authorize(request.var.identity, 'events.read')
    assertUnlocked(context, 'events.read')
    const filter = await filterOf(context, parseRequest(eventQuery, request.req.query()))
    return busStream(context.events, {
      filter,
      lastEventId: request.req.header('last-event-id') ?? null,
      mayGoOn: stillMay(context, request, 'events.read'),
      signal: AbortSignal.any([closing, request.req.raw.signal]),
    })
  })
}

async function filterOf(
  context: AdminContext,
  query: z.output<typeof eventQuery>,
): Promise<EventFilter> {
  const { read } = context.database
  return {
    types: query.types === undefined ? null : new Set(query.types),
    policyId: query.policyId === undefined ? null : (await findPolicy(read, query.policyId)).id,
    serverId: query.serverId === undefined ? null : (await findServer(read, query.serverId)).id,
  }
}
