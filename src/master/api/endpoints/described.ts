import { z } from 'zod'

import type { EndpointDescription } from '../endpoint.ts'
import { eventQuery } from '../event-routes.ts'
import { errorDescription, session } from '../objects.ts'
import { loginBody } from '../session-routes.ts'

const plain = { query: null, body: null, plainBody: false, status: 200 } as const

/** Paths with handlers of their own: what the document says of them. */
export const DESCRIBED_ENDPOINTS: readonly EndpointDescription[] = [
  {
    ...plain,
    method: 'post',
    path: '/login',
    action: 'session.create',
    tag: 'Session',
    summary: 'Signs in: gives the session cookie',
    body: loginBody,
    status: 201,
    result: session,
  },
  {
    ...plain,
    method: 'post',
    path: '/logout',
    action: 'session.end',
    tag: 'Session',
    summary: 'Ends the session',
    status: 204,
    result: null,
  },
  {
    ...plain,
    method: 'get',
    path: '/me',
    action: 'account.read',
    tag: 'Session',
    summary: 'Tells who one is',
    result: session,
  },
  {
    ...plain,
    method: 'get',
    path: '/events',
    action: 'events.read',
    tag: 'Events',
    summary: 'Streams what happens (text/event-stream); Last-Event-ID resumes for 10 minutes',
    query: eventQuery,
    result: z.object({
      type: z.string(),
      at: z.iso.datetime(),
      objectId: z.string(),
      version: z.int().nullable(),
      data: z.record(z.string(), z.unknown()),
    }),
  },
  {
    ...plain,
    method: 'get',
    path: '/errors',
    action: 'document.read',
    tag: 'Errors',
    summary: 'Lists every code with what to do',
    result: z.object({ items: z.array(errorDescription), nextCursor: z.null() }),
  },
  {
    ...plain,
    method: 'get',
    path: '/errors/:id',
    action: 'document.read',
    tag: 'Errors',
    summary: 'Gives one code',
    result: errorDescription,
  },
]
