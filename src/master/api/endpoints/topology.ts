import { z } from 'zod'

import { objectName, objectReference } from '../../policy-schema.ts'
import {
  createGroup,
  deleteGroup,
  getGroup,
  listGroups,
  updateGroup,
} from '../../use-cases/groups.ts'
import {
  createRegion,
  deleteRegion,
  getRegion,
  listRegions,
  updateRegion,
} from '../../use-cases/regions.ts'
import { type Endpoint, endpoint, pageQuery } from '../endpoint.ts'
import { group, pageOf, region } from '../objects.ts'

const tag = 'Topology'

const regionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/regions',
    action: 'topology.read',
    tag,
    summary: 'Lists regions by name',
    query: z.strictObject({ ...pageQuery, name: objectName.optional() }),
    result: pageOf(region),
    run: ({ context, query }) => listRegions(context, query),
  }),
  endpoint({
    method: 'post',
    path: '/regions',
    action: 'topology.change',
    tag,
    summary: 'Makes a region',
    body: z.strictObject({ name: objectName }),
    result: region,
    audit: { objectType: 'region' },
    run: ({ context, actor, body }) => createRegion(context, actor, body),
  }),
  endpoint({
    method: 'get',
    path: '/regions/:id',
    action: 'topology.read',
    tag,
    summary: 'Gives a region',
    result: region,
    run: ({ context, params }) => getRegion(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'patch',
    path: '/regions/:id',
    action: 'topology.change',
    tag,
    summary: 'Renames a region',
    body: z.strictObject({ name: objectName.optional() }),
    result: region,
    audit: { objectType: 'region' },
    run: ({ context, actor, params, body, expectedVersion }) =>
      updateRegion(context, actor, { reference: params['id'] ?? '', patch: body, expectedVersion }),
  }),
  endpoint({
    method: 'delete',
    path: '/regions/:id',
    action: 'topology.change',
    tag,
    summary: 'Deletes a region that nothing uses',
    audit: { objectType: 'region' },
    run: ({ context, actor, params, expectedVersion }) =>
      deleteRegion(context, actor, { reference: params['id'] ?? '', expectedVersion }),
  }),
]

const groupEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/groups',
    action: 'topology.read',
    tag,
    summary: 'Lists groups by name',
    query: z.strictObject({
      ...pageQuery,
      name: objectName.optional(),
      regionId: objectReference.optional(),
    }),
    result: pageOf(group),
    run: ({ context, query }) => listGroups(context, query),
  }),
  endpoint({
    method: 'post',
    path: '/groups',
    action: 'topology.change',
    tag,
    summary: 'Makes a group in a region',
    body: z.strictObject({ name: objectName, regionId: objectReference }),
    result: group,
    audit: { objectType: 'group' },
    run: ({ context, actor, body }) => createGroup(context, actor, body),
  }),
  endpoint({
    method: 'get',
    path: '/groups/:id',
    action: 'topology.read',
    tag,
    summary: 'Gives a group',
    result: group,
    run: ({ context, params }) => getGroup(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'patch',
    path: '/groups/:id',
    action: 'topology.change',
    tag,
    summary: 'Renames a group or moves it to another region',
    body: z.strictObject({ name: objectName.optional(), regionId: objectReference.optional() }),
    result: group,
    audit: { objectType: 'group' },
    run: ({ context, actor, params, body, expectedVersion }) =>
      updateGroup(context, actor, { reference: params['id'] ?? '', patch: body, expectedVersion }),
  }),
  endpoint({
    method: 'delete',
    path: '/groups/:id',
    action: 'topology.change',
    tag,
    summary: 'Deletes a group that nothing uses',
    audit: { objectType: 'group' },
    run: ({ context, actor, params, expectedVersion }) =>
      deleteGroup(context, actor, { reference: params['id'] ?? '', expectedVersion }),
  }),
]

export const topologyEndpoints: readonly Endpoint[] = [...regionEndpoints, ...groupEndpoints]
