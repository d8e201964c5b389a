import { and, asc, eq, gt } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Reader, Writer } from '../db/database.ts'
import { policies } from '../db/schema.ts'
import type { Page, Policy } from '../model.ts'
import { assertPolicyRules } from '../policies/rules.ts'
import { raiseViewRevision, readPolicyFields, toPolicies, writePolicy } from '../policies/store.ts'
import { type PolicyFields, bodyOf } from '../policy-schema.ts'
import { type PolicyRow, assertVersion, findPolicy } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

export interface PolicyFilter extends PageRequest {
  readonly name?: string | undefined
  readonly enabled?: boolean | undefined
}

/** Lists policies by name. */
export async function listPolicies(
  context: MasterContext,
  filter: PolicyFilter,
): Promise<Page<Policy>> {
  const { read } = context.database
  const after = cursorKey(filter, 1)?.[0]
  const rows = await read
    .select()
    .from(policies)
    .where(
      and(
        filter.name === undefined ? undefined : eq(policies.name, filter.name),
        filter.enabled === undefined ? undefined : eq(policies.enabled, filter.enabled),
        after === undefined ? undefined : gt(policies.name, after),
      ),
    )
    .orderBy(asc(policies.name))
    .limit(pageLimit(filter) + 1)
  const page = toPage(rows, filter, { keyOf: (row) => [row.name], convert: (row) => row })
  return { items: await toPolicies(read, page.items), nextCursor: page.nextCursor }
}

/** Gives one policy by id or `name:…`; NOT_FOUND. */
export async function getPolicy(context: MasterContext, reference: string): Promise<Policy> {
  return await toPolicy(context.database.read, await findPolicy(context.database.read, reference))
}

/**
 * Makes a policy. NAME_TAKEN, NOT_FOUND for what it names, ROOT_OVERLAP, POLICY_CYCLE, PLAIN_REFUSED, PATTERN_UNSAFE,
 * PATH_INVALID, NOT_IMPLEMENTED.
 */
export async function createPolicy(
  context: MasterContext,
  actor: Actor,
  fields: PolicyFields,
): Promise<Policy> {
  assertPolicyRules(context, fields)
  const nowMs = context.clock.nowMs()
  const id = Bun.randomUUIDv7()
  await changePolicy(context, async (transaction) => {
    await assertNameFree(transaction, { id, name: fields.name })
    const { name, enabled } = fields
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs }
    const row = { id, name, enabled, body: bodyOf(fields), version: 1, pauseReason: null, ...times }
    await writePolicy(transaction, { row, fields, actor, nowMs })
    return id
  })
  return await announce(context, id)
}

export interface PolicyUpdate {
  readonly reference: string
  /** Gives the fields as they are to be from those that are stored; runs again where the store was busy. */
  readonly change: (current: PolicyFields) => PolicyFields
  readonly expectedVersion?: number | undefined
}

/** Changes a policy; STALE and the codes of `createPolicy`. */
export async function updatePolicy(
  context: MasterContext,
  actor: Actor,
  update: PolicyUpdate,
): Promise<Policy> {
  const nowMs = context.clock.nowMs()
  const id = await changePolicy(context, async (transaction) => {
    const row = await findPolicy(transaction, update.reference)
    assertVersion(row.version, update.expectedVersion)
    const current = await readPolicyFields(transaction, row)
    const fields = update.change(current)
    assertPolicyRules(context, fields)
    await assertNameFree(transaction, { id: row.id, name: fields.name })
    const changed = changedRow(row, { fields, nowMs })
    await writePolicy(transaction, { row: changed, fields, actor, nowMs })
    if (viewOf(current) !== viewOf(fields)) await raiseViewRevision(transaction, row.id)
    return row.id
  })
  return await announce(context, id)
}

/** Pauses a policy: detection goes on, no frame moves; NOT_FOUND. */
export async function pausePolicy(
  context: MasterContext,
  actor: Actor,
  input: { readonly reference: string; readonly reason: string },
): Promise<Policy> {
  return await setEnabled(context, actor, { ...input, enabled: false })
}

/** Resumes a paused policy; NOT_FOUND. */
export async function resumePolicy(
  context: MasterContext,
  actor: Actor,
  reference: string,
): Promise<Policy> {
  return await setEnabled(context, actor, { reference, reason: null, enabled: true })
}

/** Deletes a policy with its jobs; the files on the targets stay; NOT_FOUND, STALE. */
export async function deletePolicy(
  context: MasterContext,
  _actor: Actor,
  input: { readonly reference: string; readonly expectedVersion?: number | undefined },
): Promise<void> {
  const id = await changePolicy(context, async (transaction) => {
    const row = await findPolicy(transaction, input.reference)
    assertVersion(row.version, input.expectedVersion)
    await transaction.delete(policies).where(eq(policies.id, row.id))
    return row.id
  })
  const data = { deleted: true }
  context.events.publish({ type: 'policy', objectId: id, policyId: id, data })
}

async function setEnabled(
  context: MasterContext,
  actor: Actor,
  wanted: { reference: string; reason: string | null; enabled: boolean },
): Promise<Policy> {
  const nowMs = context.clock.nowMs()
  const id = await changePolicy(context, async (transaction) => {
    const row = await findPolicy(transaction, wanted.reference)
    const fields = { ...(await readPolicyFields(transaction, row)), enabled: wanted.enabled }
    const changed = { ...changedRow(row, { fields, nowMs }), pauseReason: wanted.reason }
    await writePolicy(transaction, { row: changed, fields, actor, nowMs })
    return row.id
  })
  return await announce(context, id)
}

function changedRow(row: PolicyRow, to: { fields: PolicyFields; nowMs: number }): PolicyRow {
  const { fields, nowMs } = to
  return {
    ...row,
    name: fields.name,
    enabled: fields.enabled,
    body: bodyOf(fields),
    version: row.version + 1,
    pauseReason: fields.enabled ? null : row.pauseReason,
    updatedAtMs: nowMs,
  }
}

/** What decides which paths are sent and with what: a change of it makes a new view. */
function viewOf(fields: PolicyFields): string {
  return JSON.stringify([fields.filter, fields.metadata])
}

/** Runs a change of one policy, whose id the work gives. */
async function changePolicy(
  context: MasterContext,
  work: (transaction: Writer) => Promise<string>,
): Promise<string> {
  return await context.jobs.change(
    () => context.database.write(work),
    (id) => [id],
  )
}

async function announce(context: MasterContext, id: string): Promise<Policy> {
  const policy = await getPolicy(context, id)
  const { name, enabled, version } = policy
  const data = { name, enabled }
  context.events.publish({ type: 'policy', objectId: id, policyId: id, version, data })
  return policy
}

async function toPolicy(reader: Reader, row: PolicyRow): Promise<Policy> {
  const [policy] = await toPolicies(reader, [row])
  if (policy === undefined) throw new AppError('NOT_FOUND', `cannot find policy "${row.id}"`)
  return policy
}

async function assertNameFree(reader: Reader, wanted: { id: string; name: string }): Promise<void> {
  const [taken] = await reader.select().from(policies).where(eq(policies.name, wanted.name))
  if (taken === undefined || taken.id === wanted.id) return
  throw new AppError('NAME_TAKEN', `cannot name the policy "${wanted.name}": another one has it`)
}
