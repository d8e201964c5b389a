import { z } from 'zod'

import type { Person } from '../auth/identity.ts'
import type { Action } from '../auth/permissions.ts'
import type { Actor } from '../context.ts'
import type { AdminContext } from './context.ts'
import type { AdminRequest } from './request.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** One call of the API, parsed and allowed. */
export interface Call<Query, Body> {
  readonly context: AdminContext
  readonly actor: Actor
  readonly person: Person
  /** Parts of the path by name, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** From `If-Match`; undefined where any version will do. */
  readonly expectedVersion: number | undefined
  readonly request: AdminRequest
}

/** What is written to the audit when a call changes something. */
interface Audited {
  readonly objectType: string
  /** What of the body is worth keeping; never a secret. */
  readonly details?: (body: unknown) => Record<string, unknown>
}

/** One path and method of the API: what it takes, what it gives, and who may. */
export interface EndpointDescription {
  readonly method: Method
  /** As in the contract, below `/api/v1`: `/servers/:id`. */
  readonly path: string
  readonly action: Action
  readonly summary: string
  readonly tag: string
  readonly query: z.ZodObject | null
  readonly body: z.ZodType | null
  /** The body is taken as the text it is, not as JSON. */
  readonly plainBody: boolean
  readonly status: 200 | 201 | 202 | 204
  readonly result: z.ZodType | null
}

/** The same with what does the work. */
export interface Endpoint extends EndpointDescription {
  /** Null where nothing changes, or where the work itself writes the audit. */
  readonly audit: Audited | null
  run(call: Call<unknown, unknown>): Promise<unknown>
}

interface Definition<Query extends z.ZodObject, Body extends z.ZodType>
  extends
    Partial<Pick<Endpoint, 'result' | 'audit' | 'plainBody'>>,
    Pick<Endpoint, 'method' | 'path' | 'action' | 'summary' | 'tag'> {
  readonly query?: Query
  readonly body?: Body
  readonly status?: Endpoint['status']
  run(call: Call<z.output<Query>, z.output<Body>>): Promise<unknown>
}

/** Makes an endpoint; `run` gets query and body as their schemas give them. */
export function endpoint<Query extends z.ZodObject, Body extends z.ZodType>(
  definition: Definition<Query, Body>,
): Endpoint {
  const { query, body, status, result, audit, plainBody, ...rest } = definition
  return {
    ...rest,
    query: query ?? null,
    body: body ?? null,
    plainBody: plainBody ?? false,
    status:
      status ?? (definition.method === 'post' ? 201 : definition.method === 'delete' ? 204 : 200),
    result: result ?? null,
    audit: audit ?? null,
    // The router parses with exactly these schemas before it calls.
    run: (call) => definition.run(call as Call<z.output<Query>, z.output<Body>>),
  }
}

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).optional(),
  cursor: z.string().max(2000).optional(),
}

/** A filter that takes several values, separated by commas: any of them fits. */
export function anyOf<T extends string>(values: readonly [T, ...T[]]) {
  return z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(values)))
    .optional()
}

/** A filter by id or `name:…`, several separated by commas. */
export const references = z
  .string()
  .max(2000)
  .transform((text) => text.split(','))
  .optional()
