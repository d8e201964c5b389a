import type { Hono } from 'hono'

import { openApiDocument } from './document.ts'
import { API_ENDPOINTS } from './endpoints/all.ts'
import { DESCRIBED_ENDPOINTS } from './endpoints/described.ts'
import { allErrors, oneError } from './endpoints/errors.ts'
import type { AdminEnv } from './request.ts'
import { API_BASE } from './router.ts'

/** What describes the API: for everybody, since it says nothing about this installation. */
export function mountDocumentRoutes(app: Hono<AdminEnv>, version: string): void {
  let document: object | null = null
  app.get('/api/openapi.json', (request) => {
    document ??= openApiDocument([...DESCRIBED_ENDPOINTS, ...API_ENDPOINTS], version)
    return request.json(document)
  })
  app.get(`${API_BASE}/errors`, (request) => request.json({ items: allErrors(), nextCursor: null }))
  app.get(`${API_BASE}/errors/:id`, (request) => request.json(oneError(request.req.param('id'))))
}
