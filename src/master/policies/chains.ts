import { eq } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { chainsProblem } from '../../core/route/manual-route.ts'
import type { Reader } from '../db/database.ts'
import { bindings, policySources } from '../db/schema.ts'
import type { PolicyFields } from '../policy-schema.ts'
import { findServer } from '../use-cases/lookup.ts'

type Route = PolicyFields['route']

/** Gives a route with the ids of its servers for their names; NOT_FOUND, and ROUTE_INVALID where it goes in circles. */
export async function withServerIds(reader: Reader, route: Route): Promise<Route> {
  if (route.kind === 'auto') return route
  const chains: { servers: string[] }[] = []
  for (const { servers } of route.chains) {
    const ids: string[] = []
    for (const reference of servers) ids.push((await findServer(reader, reference)).id)
    chains.push({ servers: ids })
  }
  const problem = chainsProblem(chains.map(({ servers }) => servers))
  if (problem !== null) throw new AppError('ROUTE_INVALID', `cannot use the route: ${problem}`)
  return { ...route, chains }
}

/** Refuses a route through servers that receive nothing of the policy, and so have nothing to pass on: ROUTE_INVALID. */
export async function assertOnRoute(reader: Reader, policyId: string, route: Route): Promise<void> {
  if (route.kind === 'auto') return
  const { serverId } = bindings
  const targets = await reader
    .selectDistinct({ serverId })
    .from(bindings)
    .where(eq(bindings.policyId, policyId))
  const sources = await reader
    .select({ serverId: policySources.serverId })
    .from(policySources)
    .where(eq(policySources.policyId, policyId))
  const known = new Set([...targets, ...sources].map((row) => row.serverId))
  const stranger = route.chains.flatMap(({ servers }) => servers).find((id) => !known.has(id))
  if (stranger === undefined) return
  const { name } = await findServer(reader, stranger)
  throw new AppError(
    'ROUTE_INVALID',
    `cannot use the route: server "${name}" is no target of the policy that could pass anything on`,
  )
}
