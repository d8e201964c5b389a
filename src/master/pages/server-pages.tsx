import { eq } from 'drizzle-orm'

import { AddServerPage, CommandPage } from '../../../views/pages/add-server.tsx'
import { ServerPage, type ServerUse } from '../../../views/pages/server.tsx'
import { ServersPage } from '../../../views/pages/servers.tsx'
import { AppError } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import { newTokenBody } from '../api/endpoints/enrollment-tokens.ts'
import { serverPatch } from '../api/endpoints/servers.ts'
import { parseRequest } from '../api/parse.ts'
import { bindings, policies, policySources } from '../db/schema.ts'
import type { Server } from '../model.ts'
import { objectName } from '../policy-schema.ts'
import { getConvergence } from '../use-cases/convergence.ts'
import {
  createEnrollmentToken,
  deleteEnrollmentToken,
  getEnrollmentToken,
  listEnrollmentTokens,
} from '../use-cases/enrollment-tokens.ts'
import { listJobs } from '../use-cases/jobs.ts'
import { listMetrics } from '../use-cases/metrics.ts'
import { getServer, listServers, revokeServer, updateServer } from '../use-cases/servers.ts'
import { known, listingOf } from './listing.ts'
import { idsOfJobs, namesOf, placesOf } from './names.ts'
import {
  type Act,
  type Outcome,
  type Page,
  type Visit,
  act,
  numberOf,
  versionOf,
  view,
} from './page.ts'

const STATES = ['pending', 'up', 'degraded', 'down', 'incompatible', 'revoked'] as const
const JOBS_MAX = 8
/** A server in more policies than that is looked at policy by policy. */
const USES_MAX = 50

async function showServers(visit: Visit) {
  const { context, frame } = visit
  const filter = {
    groupId: visit.query('groupId'),
    name: objectName.safeParse(visit.query('name')).data,
  }
  const page = await listServers(context, {
    ...filter,
    states: known(STATES, visit.query('state')),
    cursor: visit.query('cursor'),
    limit: 200,
  })
  return (
    <ServersPage
      frame={frame}
      servers={listingOf(visit, page)}
      places={await placesOf(context)}
      filter={{
        groupId: filter.groupId ?? '',
        state: visit.query('state') ?? '',
        name: visit.query('name') ?? '',
      }}
    />
  )
}

async function showServer(visit: Visit) {
  const { context, frame } = visit
  const server = await getServer(context, visit.param('id'))
  const jobs = await listJobs(context, { serverId: server.id, limit: JOBS_MAX })
  const metrics = await listMetrics(context, { reference: server.id, limit: 1 })
  return (
    <ServerPage
      frame={frame}
      server={server}
      places={await placesOf(context)}
      uses={await usesOf(context, server.id)}
      jobs={jobs.items}
      load={metrics.items[0] ?? null}
      names={await namesOf(context, idsOfJobs(jobs.items))}
    />
  )
}

/** What policies do on a server, with the state of each folder. */
async function usesOf(context: AdminContext, serverId: string): Promise<readonly ServerUse[]> {
  const { read } = context.database
  const asSource = await read
    .selectDistinct({ policyId: policies.id })
    .from(policySources)
    .innerJoin(policies, eq(policies.id, policySources.policyId))
    .where(eq(policySources.serverId, serverId))
    .limit(USES_MAX)
  const asTarget = await read
    .selectDistinct({ policyId: policies.id })
    .from(bindings)
    .innerJoin(policies, eq(policies.id, bindings.policyId))
    .where(eq(bindings.serverId, serverId))
    .limit(USES_MAX)
  const ids = [...new Set([...asSource, ...asTarget].map((row) => row.policyId))].slice(0, USES_MAX)
  const found = await Promise.all(ids.map((id) => getConvergence(context, id)))
  return found.flatMap(({ policyId, policyName, sources, targets }) => [
    ...sources
      .filter((source) => source.serverId === serverId)
      .map(({ path, connected }) => {
        const state = connected ? 'up' : 'down'
        return { policyId, policyName, as: 'source' as const, path, state }
      }),
    ...targets
      .filter((target) => target.serverId === serverId)
      .map(({ path, state }) => ({ policyId, policyName, as: 'target' as const, path, state })),
  ])
}

async function showAddServer(visit: Visit) {
  const { context, frame } = visit
  const serverId = visit.query('serverId')
  const tokens = await listEnrollmentTokens(context, { limit: 50 })
  return (
    <AddServerPage
      frame={frame}
      places={await placesOf(context)}
      tokens={tokens.items.filter(
        (token) => token.uses < token.maxUses && Date.parse(token.expiresAt) > frame.nowMs,
      )}
      server={serverId === undefined ? null : await getServer(context, serverId)}
      error={null}
    />
  )
}

async function makeToken({ visit, form }: Act): Promise<Outcome> {
  const { context, actor, frame } = visit
  const body = parseRequest(newTokenBody, {
    ...(form.text('serverId') === ''
      ? { groupId: form.text('groupId') }
      : { serverId: form.text('serverId') }),
    roles: form.all('roles'),
    expiresInS: numberOf(form.text('expiresInS')),
    maxUses: numberOf(form.text('maxUses')),
  })
  const { token: _, command, ...token } = await createEnrollmentToken(context, actor, body)
  const props = { frame, token, command, arrived: [], followUrl: arrivalsUrl(token.id) }
  return { page: <CommandPage {...props} /> }
}

function arrivalsUrl(tokenId: string): string {
  return `/enrollment-tokens/${tokenId}/arrivals`
}

/** The page of a token without its secret: which servers came since it was made. */
async function showArrivals(visit: Visit) {
  const { context, frame } = visit
  const token = await getEnrollmentToken(context, visit.param('id'))
  const since = await listServers(context, {
    limit: 500,
    ...(token.groupId === null ? {} : { groupId: token.groupId }),
  })
  const madeAtMs = Date.parse(token.createdAt)
  const arrived = since.items.filter((server) => hasArrived(server, { token, madeAtMs }))
  const command = 'The token was shown once, when it was made.'
  return (
    <CommandPage
      frame={frame}
      token={token}
      command={command}
      arrived={arrived}
      followUrl={arrivalsUrl(token.id)}
    />
  )
}

function hasArrived(
  server: Server,
  { token, madeAtMs }: { token: { serverId: string | null; uses: number }; madeAtMs: number },
): boolean {
  if (token.serverId !== null) return server.id === token.serverId && token.uses > 0
  return token.uses > 0 && Date.parse(server.createdAt) >= madeAtMs
}

async function endToken({ visit }: Act): Promise<Outcome> {
  await deleteEnrollmentToken(visit.context, visit.actor, { id: visit.param('id') })
  return { to: '/servers/new', say: 'The token is ended: nobody can enrol with it any more.' }
}

async function changeServer({ visit, form }: Act): Promise<Outcome> {
  const reference = visit.param('id')
  const patch = parseRequest(serverPatch, {
    name: form.text('name'),
    groupId: form.text('groupId'),
    weight: numberOf(form.text('weight')),
    roles: form.all('roles'),
  })
  const expectedVersion = versionOf(form.text('revision'))
  const server = await updateServer(visit.context, visit.actor, {
    reference,
    patch,
    expectedVersion,
  })
  return { to: `/servers/${server.id}`, say: `${server.name} is saved.` }
}

async function changeMode({ visit, form }: Act): Promise<Outcome> {
  const reference = visit.param('id')
  const mode = form.text('mode')
  if (mode !== 'active' && mode !== 'drained')
    throw new AppError('INVALID_REQUEST', `cannot set mode "${mode}": it must be active or drained`)
  const server = await updateServer(visit.context, visit.actor, { reference, patch: { mode } })
  const say = mode === 'drained' ? 'is drained: it gets no new work' : 'is back at work'
  return { to: `/servers/${server.id}`, say: `${server.name} ${say}.` }
}

async function revoke({ visit, form }: Act): Promise<Outcome> {
  const reference = visit.param('id')
  const told = await revokeServer(visit.context, visit.actor, {
    reference,
    reason: form.text('reason'),
  })
  const left = told.pending.length
  const pending = left === 0 ? 'every agent knows' : `${left} agents are told when they connect`
  return { to: `/servers/${reference}`, say: `The server is revoked; ${pending}.` }
}

export const serverPages: readonly Page[] = [
  view('/servers', 'servers.read', showServers),
  view('/servers/new', 'enrollment.change', showAddServer),
  act({
    path: '/servers/new',
    action: 'enrollment.change',
    objectType: 'enrollmentToken',
    fallback: '/servers/new',
    run: makeToken,
  }),
  view('/enrollment-tokens/:id/arrivals', 'enrollment.read', showArrivals),
  act({
    path: '/enrollment-tokens/:id/end',
    action: 'enrollment.change',
    objectType: 'enrollmentToken',
    fallback: '/servers/new',
    run: endToken,
  }),
  view('/servers/:id', 'servers.read', showServer),
  act({
    path: '/servers/:id',
    action: 'servers.change',
    objectType: 'server',
    fallback: '/servers',
    run: changeServer,
  }),
  act({
    path: '/servers/:id/mode',
    action: 'servers.drain',
    objectType: 'server',
    fallback: '/servers',
    run: changeMode,
  }),
  act({
    path: '/servers/:id/revoke',
    action: 'servers.revoke',
    objectType: 'server',
    fallback: '/servers',
    run: revoke,
  }),
]
