import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi'

import { mayDo } from '../auth/permissions.ts'
import type { EndpointDescription } from './endpoint.ts'
import { problem } from './objects.ts'
import { API_BASE } from './router.ts'

/** Gives the OpenAPI 3.1 document of the API, made from the very schemas that requests are parsed with. */
export function openApiDocument(
  endpoints: readonly EndpointDescription[],
  version: string,
): object {
  const app = new OpenAPIHono()
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'cd_session',
  })
  for (const endpoint of endpoints) registry.registerPath(toRoute(endpoint))
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'CD Master', version, description: ABOUT },
    servers: [{ url: API_BASE }],
    security: [{ token: [] }, { session: [] }],
  })
}

const ABOUT =
  'Lists are {items, nextCursor}. Wherever an id is taken, name:… is too. Errors are application/problem+json with a stable code. Every POST takes Idempotency-Key, every change If-Match.'

function toRoute(endpoint: EndpointDescription): RouteConfig {
  return {
    method: endpoint.method,
    path: endpoint.path.replace(/:(\w+)/g, '{$1}'),
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: `Role: ${leastRole(endpoint)}`,
    parameters: [...pathParameters(endpoint), ...headerParameters(endpoint)],
    request: {
      ...(endpoint.query === null ? {} : { query: endpoint.query }),
      ...(endpoint.body === null ? {} : { body: { required: true, content: content(endpoint) } }),
    },
    responses: {
      [endpoint.status]: {
        description: endpoint.status === 204 ? 'Done' : 'The object',
        ...(endpoint.result === null
          ? {}
          : { content: { 'application/json': { schema: endpoint.result } } }),
      },
      default: {
        description: 'Refused, with a stable code',
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  }
}

function content({ body, plainBody }: EndpointDescription) {
  return body === null ? {} : { [plainBody ? 'text/plain' : 'application/json']: { schema: body } }
}

function pathParameters({ path }: EndpointDescription) {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    required: true,
    schema: { type: 'string' as const },
    description: 'An id, or name:…',
  }))
}

function headerParameters({ method }: EndpointDescription) {
  const header = (name: string, description: string) => ({
    name,
    in: 'header' as const,
    required: false,
    schema: { type: 'string' as const },
    description,
  })
  if (method === 'post')
    return [header('Idempotency-Key', 'The same key within 24 h gives the same answer')]
  return method === 'get'
    ? []
    : [header('If-Match', 'The version that is to be changed, as in its ETag')]
}

function leastRole({ action }: EndpointDescription): string {
  if (mayDo(action, null)) return 'none'
  if (mayDo(action, 'viewer')) return 'viewer'
  return mayDo(action, 'operator') ? 'operator' : 'admin'
}
