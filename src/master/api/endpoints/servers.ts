import { z } from 'zod'

import { AppError } from '../../../core/base/errors.ts'
import { mayDo } from '../../auth/permissions.ts'
import { absolutePath, filterPatterns, objectName, objectReference } from '../../policy-schema.ts'
import { tryFilter } from '../../use-cases/filter-trials.ts'
import { listMetrics } from '../../use-cases/metrics.ts'
import {
  deleteServer,
  getServer,
  listServerFiles,
  listServers,
  revokeServer,
  updateServer,
} from '../../use-cases/servers.ts'
import { type Endpoint, anyOf, endpoint, pageQuery } from '../endpoint.ts'
import { filterTrial, folderEntry, pageOf, server, serverMetrics } from '../objects.ts'

const tag = 'Servers'
const STATES = ['pending', 'up', 'degraded', 'down', 'incompatible', 'revoked'] as const

export const serverPatch = z.strictObject({
  name: objectName.optional(),
  groupId: objectReference.optional(),
  roles: z
    .array(z.enum(['cms', 'cas', 'sm']))
    .min(1)
    .max(3)
    .optional(),
  weight: z.number().int().min(1).max(1000).optional(),
  mode: z.enum(['active', 'drained']).optional(),
})

/** Draining is part of running the fleet; all else shapes it. */
function assertMayPatch(
  patch: z.output<typeof serverPatch>,
  role: Parameters<typeof mayDo>[1],
): void {
  const onlyMode = Object.keys(patch).every((name) => name === 'mode')
  if (!onlyMode && !mayDo('servers.change', role))
    throw new AppError('FORBIDDEN', `cannot do servers.change: the role is ${role}`)
}

export const serverEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/servers',
    action: 'servers.read',
    tag,
    summary: 'Lists servers by name',
    query: z.strictObject({
      ...pageQuery,
      name: objectName.optional(),
      groupId: objectReference.optional(),
      regionId: objectReference.optional(),
      mode: z.enum(['active', 'drained']).optional(),
      state: anyOf(STATES),
    }),
    result: pageOf(server),
    run: ({ context, query: { state, ...query } }) =>
      listServers(context, { ...query, states: state }),
  }),
  endpoint({
    method: 'get',
    path: '/servers/:id',
    action: 'servers.read',
    tag,
    summary: 'Gives a server',
    result: server,
    run: ({ context, params }) => getServer(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'patch',
    path: '/servers/:id',
    action: 'servers.drain',
    tag,
    summary: 'Changes what is wanted of a server; an operator may only drain it and put it back',
    body: serverPatch,
    result: server,
    audit: { objectType: 'server', details: (body) => ({ ...(body as object) }) },
    run: ({ context, actor, params, body, expectedVersion }) => {
      assertMayPatch(body, actor.role)
      return updateServer(context, actor, {
        reference: params['id'] ?? '',
        patch: body,
        expectedVersion,
      })
    },
  }),
  endpoint({
    method: 'delete',
    path: '/servers/:id',
    action: 'servers.change',
    tag,
    summary: 'Deletes a server that nothing uses',
    audit: { objectType: 'server' },
    run: ({ context, actor, params, expectedVersion }) =>
      deleteServer(context, actor, { reference: params['id'] ?? '', expectedVersion }),
  }),
  endpoint({
    method: 'post',
    path: '/servers/:id/revoke',
    action: 'servers.revoke',
    tag,
    summary: 'Shuts a server out at once, whatever uses it, and tells every agent',
    body: z.strictObject({ reason: z.string().min(1).max(500) }),
    status: 202,
    result: z.object({ acknowledgedBy: z.array(z.string()), pending: z.array(z.string()) }),
    audit: { objectType: 'server', details: (body) => ({ ...(body as object) }) },
    run: ({ context, actor, params, body }) =>
      revokeServer(context, actor, { reference: params['id'] ?? '', reason: body.reason }),
  }),
  endpoint({
    method: 'get',
    path: '/servers/:id/files',
    action: 'servers.files',
    tag,
    summary: 'Lists a folder of the host, within what the host allows',
    query: z.strictObject({
      path: absolutePath.default('/'),
      pathBytes: z.base64().max(8192).optional(),
    }),
    result: pageOf(folderEntry),
    run: async ({ context, params, query: { path, pathBytes } }) => ({
      items: await listServerFiles(context, {
        reference: params['id'] ?? '',
        path,
        ...(pathBytes === undefined ? {} : { pathBytes }),
      }),
      nextCursor: null,
    }),
  }),
  endpoint({
    method: 'post',
    path: '/servers/:id/filter-trial',
    action: 'servers.files',
    tag,
    summary: 'Says what a filter would let through of a folder that is there now; changes nothing',
    body: z.strictObject({
      path: absolutePath,
      pathBytes: z.base64().max(8192).optional(),
      filter: filterPatterns,
    }),
    status: 200,
    result: filterTrial,
    run: ({ context, params, body: { pathBytes, ...body } }) =>
      tryFilter(context, {
        reference: params['id'] ?? '',
        ...body,
        ...(pathBytes === undefined ? {} : { pathBytes }),
      }),
  }),
  endpoint({
    method: 'get',
    path: '/servers/:id/metrics',
    action: 'servers.read',
    tag,
    summary:
      'Gives figures of the host over the last hour, or as far back as six; `step` in seconds',
    query: z.strictObject({
      from: z.iso.datetime().optional(),
      to: z.iso.datetime().optional(),
      step: z.coerce.number().int().min(1).max(86_400).optional(),
    }),
    result: pageOf(serverMetrics),
    run: ({ context, params, query: { from, to, step } }) =>
      listMetrics(context, {
        reference: params['id'] ?? '',
        fromMs: from === undefined ? undefined : Date.parse(from),
        toMs: to === undefined ? undefined : Date.parse(to),
        stepS: step,
      }),
  }),
]
