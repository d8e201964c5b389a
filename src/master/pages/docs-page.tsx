import type { Hono } from 'hono'
import { z } from 'zod'

import { ApiDocsPage, type EndpointView, type FieldView } from '../../../views/pages/api-docs.tsx'
import type { AdminContext } from '../api/context.ts'
import type { EndpointDescription } from '../api/endpoint.ts'
import { API_ENDPOINTS } from '../api/endpoints/all.ts'
import { DESCRIBED_ENDPOINTS } from '../api/endpoints/described.ts'
import { allErrors } from '../api/endpoints/errors.ts'
import type { AdminEnv } from '../api/request.ts'
import { USER_ROLES, mayDo } from '../auth/permissions.ts'
import { ASSETS } from './assets.ts'
import { themeOf } from './frame.ts'
import { htmlOf } from './html.ts'

/** The API for people, from the same schemas that requests are parsed with. */
export function mountDocsPage(app: Hono<AdminEnv>, context: AdminContext): void {
  let endpoints: readonly EndpointView[] | null = null
  app.get('/api/docs', async (request) => {
    endpoints ??= [...DESCRIBED_ENDPOINTS, ...API_ENDPOINTS].map(toView)
    const { version } = context.settings
    const props = {
      assets: ASSETS,
      theme: themeOf(request),
      version,
      endpoints,
      errors: allErrors(),
    }
    return request.html(await htmlOf(<ApiDocsPage {...props} />))
  })
}

function toView(endpoint: EndpointDescription): EndpointView {
  const { method, path, summary, tag, status } = endpoint
  return {
    method,
    path: `/api/v1${path}`,
    summary,
    tag,
    status,
    role: mayDo(endpoint.action, null)
      ? 'none'
      : (USER_ROLES.find((role) => mayDo(endpoint.action, role)) ?? 'nobody'),
    query: endpoint.query === null ? [] : fieldsOf(endpoint.query, 'input'),
    body: endpoint.body === null ? [] : fieldsOf(endpoint.body, 'input'),
    answer: endpoint.result === null ? [] : fieldsOf(endpoint.result, 'output'),
  }
}

type Schema = z.core.JSONSchema.BaseSchema

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

function fieldsOf(schema: z.ZodType, io: 'input' | 'output'): readonly FieldView[] {
  const { properties, required } = schemaOf(schema, io)
  return Object.entries(properties ?? {}).map(([name, field]) => ({
    name,
    type: typeof field === 'boolean' ? 'any' : typeText(field),
    required: required?.includes(name) ?? false,
  }))
}

/** A type in a few words: what fits in a table. */
function typeText(schema: Schema): string {
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return [...new Set(choices.map(typeText))].join(' | ')
  if (schema.type === 'array' && schema.items !== undefined && !Array.isArray(schema.items))
    return `[${typeof schema.items === 'boolean' ? 'any' : typeText(schema.items)}]`
  if (schema.type === 'object') return `{${Object.keys(schema.properties ?? {}).join(', ')}}`
  return String(schema.type ?? schema.const ?? 'any')
}
