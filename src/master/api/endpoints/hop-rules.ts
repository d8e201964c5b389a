import { z } from 'zod'

import type { HopRule } from '../../model.ts'
import { hopRule } from '../../policy-schema.ts'
import {
  createHopRule,
  deleteHopRule,
  getHopRule,
  listHopRules,
  updateHopRule,
} from '../../use-cases/hop-rules.ts'
import { type Endpoint, endpoint, pageQuery } from '../endpoint.ts'
import { mergePatch } from '../merge-patch.ts'
import { pageOf } from '../objects.ts'
import { parseRequest } from '../parse.ts'

const tag = 'Hop rules'
const storedRule = hopRule.extend({ id: z.string(), version: z.int(), createdAt: z.iso.datetime() })

export const hopRuleEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/hop-rules',
    action: 'hopRules.read',
    tag,
    summary: 'Lists the fleet-wide rules for hops',
    query: z.strictObject(pageQuery),
    result: pageOf(storedRule),
    run: ({ context, query }) => listHopRules(context, query),
  }),
  endpoint({
    method: 'post',
    path: '/hop-rules',
    action: 'hopRules.change',
    tag,
    summary: 'Makes a rule: a ceiling that all policies share',
    body: hopRule,
    result: storedRule,
    audit: { objectType: 'hopRule' },
    run: ({ context, actor, body }) => createHopRule(context, actor, asRule(body)),
  }),
  endpoint({
    method: 'get',
    path: '/hop-rules/:id',
    action: 'hopRules.read',
    tag,
    summary: 'Gives a rule',
    result: storedRule,
    run: ({ context, params }) => getHopRule(context, params['id'] ?? ''),
  }),
  endpoint({
    method: 'patch',
    path: '/hop-rules/:id',
    action: 'hopRules.change',
    tag,
    summary: 'Changes a rule',
    body: z.record(z.string(), z.unknown()),
    result: storedRule,
    audit: { objectType: 'hopRule' },
    run: async ({ context, actor, params, body, expectedVersion }) => {
      const {
        id,
        version,
        createdAt: _,
        ...current
      } = await getHopRule(context, params['id'] ?? '')
      const rule = asRule(parseRequest(hopRule, mergePatch(current, body)))
      // The patch is of this version: another one in between must not be lost.
      return updateHopRule(context, actor, {
        id,
        rule,
        expectedVersion: expectedVersion ?? version,
      })
    },
  }),
  endpoint({
    method: 'delete',
    path: '/hop-rules/:id',
    action: 'hopRules.change',
    tag,
    summary: 'Deletes a rule',
    audit: { objectType: 'hopRule' },
    run: ({ context, actor, params, expectedVersion }) =>
      deleteHopRule(context, actor, { id: params['id'] ?? '', expectedVersion }),
  }),
]

/** Without the members that are not set. */
export function asRule(body: z.output<typeof hopRule>): HopRule {
  const { scope, method, compression, tls, rateBytesPerS } = body
  return {
    scope,
    ...(method === undefined ? {} : { method }),
    ...(compression === undefined ? {} : { compression }),
    ...(tls === undefined ? {} : { tls }),
    ...(rateBytesPerS === undefined ? {} : { rateBytesPerS }),
  }
}
