import { z } from 'zod'

import { scheduleProblem } from './schedules/next-time.ts'

/** What a policy is, at the edge: every field of the contract with its default. Unknown fields are refused. */

export const objectName = z.string().regex(/^[A-Za-z0-9._-]{1,63}$/)
/** An id, or `name:web-1`, `name:eu/web`. */
export const objectReference = z.string().min(1).max(160)
/** An absolute path on an agent's host. */
export const absolutePath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => path.startsWith('/') && !path.includes('\0'), 'must be an absolute path')

const pathBytes = z.base64().max(5464).optional()

const policySource = z.strictObject({
  serverId: objectReference,
  path: absolutePath,
  pathBytes,
  requireMount: z.boolean().default(false),
})

const targetPlace = {
  path: absolutePath,
  pathBytes,
  minFreePercent: z.number().int().min(0).max(100).default(3),
}
const policyTarget = z.union([
  z.strictObject({ serverId: objectReference, ...targetPlace }),
  z.strictObject({ groupId: objectReference, ...targetPlace }),
  z.strictObject({ regionId: objectReference, ...targetPlace }),
])

const hopScope = z.union([
  z.enum(['group', 'region', 'international']),
  z.strictObject({ from: objectReference, to: objectReference }),
])
const hopFields = {
  scope: hopScope,
  method: z.enum(['copy', 'patch']).optional(),
  compression: z.number().int().min(0).max(9).optional(),
  tls: z.boolean().optional(),
  rateBytesPerS: z.number().int().positive().nullable().optional(),
}
export const hopRule = z.strictObject(hopFields)
const policyHop = z.strictObject({
  ...hopFields,
  plainAcrossGroups: z.boolean().optional(),
})

const patterns = z.array(z.string().min(1).max(1000)).max(100).default([])
export const filterPatterns = z.strictObject({ include: patterns, exclude: patterns })
const schedule = z
  .union([
    z.strictObject({ cron: z.string().max(200), timeZone: z.string().max(64) }),
    z.strictObject({ everyS: z.number().int().min(1) }),
    z.strictObject({ at: z.iso.datetime() }),
  ])
  .check(({ value, issues }) => {
    const message = scheduleProblem(value)
    if (message !== null) issues.push({ code: 'custom', input: value, message })
  })
const recovery = z.union([
  z.strictObject({ mode: z.enum(['immediate', 'manual']) }),
  z.strictObject({ mode: z.literal('reserved'), schedule }),
])
const route = z.union([
  z.strictObject({ kind: z.literal('auto') }),
  z.strictObject({
    kind: z.literal('manual'),
    chains: z
      .array(z.strictObject({ servers: z.array(objectReference).min(1).max(100) }))
      .min(1)
      .max(100),
  }),
])

/** Everything but what is kept in columns and tables of its own. */
const bodyFields = {
  kind: z.enum(['distribute', 'mirror']).default('distribute'),
  mode: z.enum(['realtime', 'manual', 'reserved']).default('realtime'),
  schedule: schedule.nullable().default(null),
  missed: z.enum(['runOnce', 'skip']).default('runOnce'),
  filter: z
    .strictObject({ ...filterPatterns.shape, deleteExcluded: z.boolean().default(false) })
    .prefault({}),
  hops: z.array(policyHop).max(100).default([]),
  route: route.default({ kind: 'auto' }),
  deletes: z.enum(['mirror', 'keep']).default('mirror'),
  maxDelete: z
    .strictObject({
      count: z.number().int().min(0).nullable().default(1000),
      percent: z.number().min(0).max(100).nullable().default(30),
      windowS: z.number().int().min(1).max(86_400).default(600),
    })
    .prefault({}),
  firstContact: z.enum(['hold', 'adopt', 'replace']).default('hold'),
  retry: z
    .strictObject({
      attempts: z.number().int().min(1).max(100).default(3),
      backoffMs: z.number().int().min(0).max(300_000).default(1000),
    })
    .prefault({}),
  recovery: recovery.default({ mode: 'immediate' }),
  conflict: z.enum(['newest', 'sourceOrder']).default('newest'),
  keep: z.strictObject({ days: z.number().int().min(0).max(3650).default(0) }).prefault({}),
  metadata: z
    .strictObject({
      owner: z.enum(['id', 'name', 'off']).default('id'),
      mode: z.boolean().default(true),
      hardLinks: z.boolean().default(false),
      xattrs: z.boolean().default(false),
      acls: z.boolean().default(false),
      sparse: z.boolean().default(true),
    })
    .prefault({}),
}

export const policyFields = z.strictObject({
  name: objectName,
  enabled: z.boolean().default(false),
  sources: z.array(policySource).min(1).max(100),
  targets: z.array(policyTarget).min(1).max(1000),
  ...bodyFields,
})
const policyBody = z.object(bodyFields)

export type PolicyFields = z.output<typeof policyFields>
export type PolicyBody = z.output<typeof policyBody>
export type PolicySource = z.output<typeof policySource>
export type PolicyTarget = z.output<typeof policyTarget>
export type PolicyHop = z.output<typeof policyHop>

/** Gives the part of a policy that is stored as one text; sources, targets, name and enabled have columns. */
export function bodyOf(fields: PolicyFields): PolicyBody {
  return policyBody.parse(fields)
}
