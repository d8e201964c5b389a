import { z } from 'zod'

import {
  createApiToken,
  deleteApiToken,
  getApiToken,
  listApiTokens,
} from '../../auth/api-tokens.ts'
import { getAudit, listAudit } from '../../auth/audit.ts'
import { mayDo } from '../../auth/permissions.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from '../../auth/users.ts'
import type { Actor } from '../../context.ts'
import { objectName, objectReference } from '../../policy-schema.ts'
import { type Endpoint, endpoint, pageQuery } from '../endpoint.ts'
import { apiToken, auditRecord, newApiToken, pageOf, user, userRole } from '../objects.ts'

const tag = 'Accounts'
const password = z.string().min(8).max(1024)

const userEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/users',
    action: 'users.read',
    tag,
    summary: 'Lists accounts by name',
    query: z.strictObject(pageQuery),
    result: pageOf(user),
    run: ({ context, query }) => listUsers(context, query),
  }),
  endpoint({
    method: 'post',
    path: '/users',
    action: 'users.change',
    tag,
    summary: 'Makes an account',
    body: z.strictObject({ name: objectName, password, role: userRole.default('viewer') }),
    result: user,
    run: ({ context, actor, body }) => createUser(context, actor, body),
  }),
  endpoint({
    method: 'get',
    path: '/users/:id',
    action: 'users.read',
    tag,
    summary: 'Gives an account',
    result: user,
    run: ({ context, params }) => getUser(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'patch',
    path: '/users/:id',
    action: 'users.change',
    tag,
    summary: 'Changes role or password, or disables an account; its sessions end',
    body: z.strictObject({
      role: userRole.optional(),
      disabled: z.boolean().optional(),
      password: password.optional(),
    }),
    result: user,
    run: ({ context, actor, params, body, expectedVersion }) =>
      updateUser(context, actor, { reference: params['id'] ?? '', change: body, expectedVersion }),
  }),
  endpoint({
    method: 'delete',
    path: '/users/:id',
    action: 'users.change',
    tag,
    summary: 'Deletes an account with its sessions and tokens',
    run: ({ context, actor, params }) => deleteUser(context, actor, params['id'] ?? ''),
  }),
]

/** Whose tokens somebody may see and end: an administrator all, the others their own. */
function reach(actor: Actor): string | null {
  return mayDo('tokens.all', actor.role) ? null : actor.userId
}

const tokenEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/tokens',
    action: 'tokens.own',
    tag,
    summary: 'Lists tokens, newest first: your own, or all for administrators',
    query: z.strictObject(pageQuery),
    result: pageOf(apiToken),
    run: ({ context, actor, query }) => listApiTokens(context, { ...query, userId: reach(actor) }),
  }),
  endpoint({
    method: 'post',
    path: '/tokens',
    action: 'tokens.own',
    tag,
    summary: 'Makes a token of your own; the only answer with its secret',
    body: z.strictObject({
      name: z.string().min(1).max(100),
      role: userRole.optional(),
      days: z.number().int().min(1).max(3650).default(90),
    }),
    result: newApiToken,
    run: ({ context, actor, body }) =>
      // A token must not beget one that may more than itself.
      createApiToken(context, actor, {
        ...body,
        role: body.role ?? actor.role,
        user: actor.userId ?? '',
        maximum: actor.role,
      }),
  }),
  endpoint({
    method: 'get',
    path: '/tokens/:id',
    action: 'tokens.own',
    tag,
    summary: 'Gives a token without its secret',
    result: apiToken,
    run: ({ context, actor, params }) =>
      getApiToken(context, { id: params['id'] ?? '', userId: reach(actor) }),
  }),
  endpoint({
    method: 'delete',
    path: '/tokens/:id',
    action: 'tokens.own',
    tag,
    summary: 'Ends a token',
    run: ({ context, actor, params }) =>
      deleteApiToken(context, actor, { id: params['id'] ?? '', userId: reach(actor) }),
  }),
]

const auditEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/audit',
    action: 'audit.read',
    tag,
    summary: 'Lists what was done, by whom, newest first',
    query: z.strictObject({
      ...pageQuery,
      actorName: z.string().max(63).optional(),
      action: z.string().max(63).optional(),
      objectId: objectReference.optional(),
      from: z.iso.datetime().optional(),
      to: z.iso.datetime().optional(),
    }),
    result: pageOf(auditRecord),
    run: ({ context, query: { from, to, ...query } }) =>
      listAudit(context, { ...query, fromMs: toMs(from), toMs: toMs(to) }),
  }),
  endpoint({
    method: 'get',
    path: '/audit/:id',
    action: 'audit.read',
    tag,
    summary: 'Gives one act',
    result: auditRecord,
    run: ({ context, params }) => getAudit(context, params['id'] ?? ''),
  }),
]

function toMs(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time)
}

export const accountEndpoints: readonly Endpoint[] = [
  ...userEndpoints,
  ...tokenEndpoints,
  ...auditEndpoints,
]
