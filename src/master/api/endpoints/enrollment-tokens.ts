import { z } from 'zod'

import { objectReference } from '../../policy-schema.ts'
import {
  createEnrollmentToken,
  deleteEnrollmentToken,
  getEnrollmentToken,
  listEnrollmentTokens,
} from '../../use-cases/enrollment-tokens.ts'
import { type Endpoint, endpoint, pageQuery } from '../endpoint.ts'
import { enrollmentToken, newEnrollmentToken, pageOf } from '../objects.ts'

const tag = 'Servers'
const MONTH_S = 30 * 86_400

export const newTokenBody = z
  .strictObject({
    groupId: objectReference.optional(),
    serverId: objectReference.optional(),
    roles: z
      .array(z.enum(['cms', 'cas', 'sm']))
      .min(1)
      .max(3)
      .default(['cms', 'cas', 'sm']),
    expiresInS: z.number().int().min(60).max(MONTH_S).default(86_400),
    maxUses: z.number().int().min(1).max(10_000).default(1),
  })
  .refine((body) => (body.groupId === undefined) !== (body.serverId === undefined), {
    message: 'it must name either a groupId or a serverId',
    path: ['groupId'],
  })

export const enrollmentTokenEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/enrollment-tokens',
    action: 'enrollment.read',
    tag,
    summary: 'Lists enrolment tokens, newest first, without their secrets',
    query: z.strictObject({
      ...pageQuery,
      groupId: objectReference.optional(),
      serverId: objectReference.optional(),
    }),
    result: pageOf(enrollmentToken),
    run: ({ context, query }) => listEnrollmentTokens(context, withoutUndefined(query)),
  }),
  endpoint({
    method: 'post',
    path: '/enrollment-tokens',
    action: 'enrollment.change',
    tag,
    summary: 'Makes a token that lets hosts enrol; the only answer with its secret',
    body: newTokenBody,
    result: newEnrollmentToken,
    audit: { objectType: 'enrollmentToken' },
    run: ({ context, actor, body }) => createEnrollmentToken(context, actor, body),
  }),
  endpoint({
    method: 'get',
    path: '/enrollment-tokens/:id',
    action: 'enrollment.read',
    tag,
    summary: 'Gives an enrolment token without its secret',
    result: enrollmentToken,
    run: ({ context, params }) => getEnrollmentToken(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'delete',
    path: '/enrollment-tokens/:id',
    action: 'enrollment.change',
    tag,
    summary: 'Ends an enrolment token: nobody can enrol with it any more',
    audit: { objectType: 'enrollmentToken' },
    run: ({ context, actor, params, expectedVersion }) =>
      deleteEnrollmentToken(context, actor, { id: params['id'] ?? '', expectedVersion }),
  }),
]

function withoutUndefined(query: {
  limit?: number | undefined
  cursor?: string | undefined
  groupId?: string | undefined
  serverId?: string | undefined
}) {
  const { groupId, serverId, ...page } = query
  return {
    ...page,
    ...(groupId === undefined ? {} : { groupId }),
    ...(serverId === undefined ? {} : { serverId }),
  }
}
