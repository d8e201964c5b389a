import { z } from 'zod'

import { AppError } from '../../../core/base/errors.ts'
import { absolutePath, objectReference } from '../../policy-schema.ts'
import { getConvergence, listConvergence } from '../../use-cases/convergence.ts'
import { getRoute, syncPolicyNow } from '../../use-cases/policy-actions.ts'
import { type Endpoint, anyOf, endpoint, pageQuery, references } from '../endpoint.ts'
import { convergence, convergenceState, pageOf, route, startedJob } from '../objects.ts'

const tag = 'Policies'

const syncBody = z.strictObject({
  paths: z
    .array(absolutePath.or(z.string().max(4096)))
    .max(1000)
    .optional(),
  targets: z.array(objectReference).min(1).max(1000).optional(),
  verify: z.enum(['report', 'repair']).optional(),
  dryRun: z.boolean().optional(),
})

export const convergenceEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/convergence',
    action: 'policies.read',
    tag,
    summary: 'Tells how far the targets of all policies are',
    query: z.strictObject({
      ...pageQuery,
      groupId: objectReference.optional(),
      state: anyOf(convergenceState.options as ['converged', ...typeof convergenceState.options]),
    }),
    result: pageOf(convergence),
    run: ({ context, query: { state, ...query } }) =>
      listConvergence(context, { ...query, states: state }),
  }),
  endpoint({
    method: 'get',
    path: '/policies/:id/convergence',
    action: 'policies.read',
    tag,
    summary: 'Tells how far the targets of a policy are',
    result: convergence,
    run: ({ context, params }) => getConvergence(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'get',
    path: '/policies/:id/route',
    action: 'policies.read',
    tag,
    summary: 'Gives the way content would take now, and why; without, cut and bytes answer what if',
    query: z.strictObject({
      without: references,
      cut: references,
      bytes: z.coerce.number().int().min(0).optional(),
    }),
    result: route,
    run: ({ context, params, query }) =>
      getRoute(context, { reference: params['id'] ?? '', ...query }),
  }),
  endpoint({
    method: 'post',
    path: '/policies/:id/sync',
    action: 'policies.operate',
    tag,
    summary: 'Brings targets to where the sources are now, in every mode',
    body: syncBody,
    status: 202,
    result: startedJob,
    audit: { objectType: 'policy', details: (body) => ({ ...(body as object) }) },
    run: ({ context, actor, params, body }) => {
      if (body.verify !== undefined || body.dryRun === true)
        throw new AppError(
          'NOT_IMPLEMENTED',
          'cannot verify or preview yet: leave verify and dryRun out',
        )
      if (body.paths !== undefined)
        throw new AppError(
          'NOT_IMPLEMENTED',
          'cannot synchronize single paths yet: leave paths out, and all that is missing is sent',
        )
      return syncPolicyNow(context, actor, { reference: params['id'] ?? '', targets: body.targets })
    },
  }),
  endpoint({
    method: 'post',
    path: '/policies/preview',
    action: 'policies.change',
    tag,
    summary: 'Comes with a later version',
    run: () => {
      throw new AppError(
        'NOT_IMPLEMENTED',
        'cannot preview a policy: this comes with a later version',
      )
    },
  }),
]
