import { z } from 'zod'

import { objectName, policyFields } from '../../policy-schema.ts'
import {
  createPolicy,
  deletePolicy,
  getPolicy,
  listPolicies,
  pausePolicy,
  resumePolicy,
  updatePolicy,
} from '../../use-cases/policies.ts'
import { type Endpoint, endpoint, pageQuery } from '../endpoint.ts'
import { mergePatch } from '../merge-patch.ts'
import { pageOf } from '../objects.ts'
import { parseRequest } from '../parse.ts'

const tag = 'Policies'
const policy = policyFields.extend({
  id: z.string(),
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  pauseReason: z.string().nullable(),
  warnings: z.array(z.string()),
})

export const policyEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/policies',
    action: 'policies.read',
    tag,
    summary: 'Lists policies by name',
    query: z.strictObject({
      ...pageQuery,
      name: objectName.optional(),
      enabled: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
    }),
    result: pageOf(policy),
    run: ({ context, query }) => listPolicies(context, query),
  }),
  endpoint({
    method: 'post',
    path: '/policies',
    action: 'policies.change',
    tag,
    summary: 'Makes a policy',
    body: policyFields,
    result: policy,
    audit: { objectType: 'policy' },
    run: ({ context, actor, body }) => createPolicy(context, actor, body),
  }),
  endpoint({
    method: 'get',
    path: '/policies/:id',
    action: 'policies.read',
    tag,
    summary: 'Gives a policy',
    result: policy,
    run: ({ context, params }) => getPolicy(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'patch',
    path: '/policies/:id',
    action: 'policies.change',
    tag,
    summary: 'Changes a policy (RFC 7396)',
    body: z.record(z.string(), z.unknown()),
    result: policy,
    audit: { objectType: 'policy', details: (body) => ({ fields: Object.keys(body as object) }) },
    run: ({ context, actor, params, body, expectedVersion }) =>
      updatePolicy(context, actor, {
        reference: params['id'] ?? '',
        change: (current) => parseRequest(policyFields, mergePatch(current, body)),
        expectedVersion,
      }),
  }),
  endpoint({
    method: 'delete',
    path: '/policies/:id',
    action: 'policies.change',
    tag,
    summary: 'Deletes a policy; the files on the targets stay',
    audit: { objectType: 'policy' },
    run: ({ context, actor, params, expectedVersion }) =>
      deletePolicy(context, actor, { reference: params['id'] ?? '', expectedVersion }),
  }),
  endpoint({
    method: 'post',
    path: '/policies/:id/pause',
    action: 'policies.operate',
    tag,
    summary: 'Pauses a policy: detection goes on, nothing moves',
    body: z.strictObject({ reason: z.string().max(500).default('') }),
    status: 200,
    result: policy,
    audit: { objectType: 'policy', details: (body) => ({ ...(body as { reason: string }) }) },
    run: ({ context, actor, params, body }) =>
      pausePolicy(context, actor, { reference: params['id'] ?? '', reason: body.reason }),
  }),
  endpoint({
    method: 'post',
    path: '/policies/:id/resume',
    action: 'policies.operate',
    tag,
    summary: 'Resumes a paused policy',
    body: z.strictObject({}),
    status: 200,
    result: policy,
    audit: { objectType: 'policy' },
    run: ({ context, actor, params }) => resumePolicy(context, actor, params['id'] ?? ''),
  }),
]
