import { count } from 'drizzle-orm'
import type { Hono } from 'hono'

import { mayDo } from '../auth/permissions.ts'
import { jobs, servers } from '../db/schema.ts'
import { listConvergence } from '../use-cases/convergence.ts'
import type { AdminContext } from './context.ts'
import { type Metric, prometheusText } from './prometheus.ts'
import type { AdminEnv } from './request.ts'

/** For those who watch the master itself: is it alive, can it work, and its figures. */
export function mountHealthRoutes(app: Hono<AdminEnv>, context: AdminContext): void {
  app.get('/healthz', (request) => request.json({ alive: true }, 200, NOT_KEPT))
  app.get('/readyz', async (request) => {
    const ready = await databaseAnswers(context)
    const locked = isLocked(context)
    return request.json(
      { ready, locked, license: context.license.current().state },
      ready ? 200 : 503,
      NOT_KEPT,
    )
  })
  app.get('/metrics', async (request) => {
    const identity = request.var.identity
    const named = identity.kind !== 'nobody' && mayDo('metrics.read', identity.actor.role)
    return request.text(prometheusText(await metricsOf(context, named)), 200, {
      ...NOT_KEPT,
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    })
  })
}

const NOT_KEPT = { 'cache-control': 'no-store' }

function isLocked(context: AdminContext): boolean {
  const { state } = context.license.current()
  return state !== 'valid' && state !== 'grace'
}

async function databaseAnswers(context: AdminContext): Promise<boolean> {
  try {
    await context.database.read.select({ id: servers.id }).from(servers).limit(1)
    return true
  } catch (error) {
    context.log.error('the database does not answer', { error })
    return false
  }
}

/** Counts for everybody; what names a policy only for those who may read it. */
async function metricsOf(context: AdminContext, named: boolean): Promise<readonly Metric[]> {
  const counts = [await licenseMetric(context), ...(await fleetMetrics(context))]
  return named ? [...counts, ...(await policyMetrics(context))] : counts
}

async function licenseMetric(context: AdminContext): Promise<Metric> {
  const { state } = context.license.current()
  return {
    name: 'cd_master_license_valid',
    help: '1 while the licence holds, in grace too',
    type: 'gauge',
    values: [{ labels: { state }, value: state === 'valid' || state === 'grace' ? 1 : 0 }],
  }
}

async function fleetMetrics(context: AdminContext): Promise<readonly Metric[]> {
  const { read } = context.database
  const [serverRow] = await read.select({ value: count() }).from(servers)
  const jobRows = await read
    .select({ state: jobs.state, value: count() })
    .from(jobs)
    .groupBy(jobs.state)
  return [
    gauge('cd_master_servers', 'Servers that are enrolled', serverRow?.value ?? 0),
    gauge(
      'cd_master_servers_connected',
      'Agents connected now',
      context.fleet.connectedIds().length,
    ),
    {
      name: 'cd_master_jobs',
      help: 'Jobs kept, by state',
      type: 'gauge',
      values: jobRows.map(({ state, value }) => ({ labels: { state }, value })),
    },
  ]
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', values: [{ labels: {}, value }] }
}

const POLICIES_MAX = 500

async function policyMetrics(context: AdminContext): Promise<readonly Metric[]> {
  const { items } = await listConvergence(context, { limit: POLICIES_MAX })
  const each = (of: (item: (typeof items)[number]) => number) =>
    items.map((item) => ({ labels: { policy: item.policyName }, value: of(item) }))
  const most = (values: readonly number[]) => values.reduce((max, value) => Math.max(max, value), 0)
  return [
    {
      name: 'cd_master_policy_converged',
      help: '1 where every target of a policy has applied everything',
      type: 'gauge',
      values: each((item) => (item.converged ? 1 : 0)),
    },
    {
      name: 'cd_master_policy_lag_seconds',
      help: 'Age of the oldest change that some target of a policy lacks',
      type: 'gauge',
      values: each((item) => most(item.targets.map((target) => target.lagMs)) / 1000),
    },
    {
      name: 'cd_master_policy_backlog_entries',
      help: 'Entries that the target furthest behind lacks',
      type: 'gauge',
      values: each((item) => most(item.targets.map((target) => target.backlogEntries))),
    },
  ]
}
