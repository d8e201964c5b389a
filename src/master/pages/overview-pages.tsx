import { mattersOf } from '../../../views/pages/attention.tsx'
import { OverviewPage, type Step } from '../../../views/pages/overview.tsx'
import type { AdminContext } from '../api/context.ts'
import type { Server } from '../model.ts'
import { listConvergence } from '../use-cases/convergence.ts'
import { listJobs } from '../use-cases/jobs.ts'
import { listPolicies } from '../use-cases/policies.ts'
import { listServers } from '../use-cases/servers.ts'
import { idsOfJobs, namesOf, placesOf } from './names.ts'
import { type Page, type Visit, view } from './page.ts'
import { lineOf } from './policy-state.ts'

const POLICIES_MAX = 100
const JOBS_MAX = 8
const TROUBLED_MAX = 8

export const overviewPages: readonly Page[] = [view('/', 'policies.read', showOverview)]

async function showOverview({ context, frame }: Visit) {
  const [convergence, policies, servers, jobs] = await Promise.all([
    listConvergence(context, { limit: POLICIES_MAX }),
    listPolicies(context, { limit: POLICIES_MAX }),
    allServers(context),
    listJobs(context, { limit: JOBS_MAX }),
  ])
  const enabled = new Map(policies.items.map((policy) => [policy.id, policy.enabled]))
  const lines = convergence.items.map((item) => lineOf(item, enabled.get(item.policyId) ?? false))
  const troubled = servers.filter((server) => server.state !== 'up' && server.state !== 'revoked')
  const ids = idsOfJobs(jobs.items)
  const names = await namesOf(context, {
    ...ids,
    servers: [
      ...ids.servers,
      ...troubled.slice(0, TROUBLED_MAX).map((server) => server.id),
      ...mattersOf(lines).map((matter) => matter.serverId),
    ],
  })
  return (
    <OverviewPage
      frame={frame}
      convergence={lines}
      serverCounts={countStates(servers)}
      troubled={troubled.slice(0, TROUBLED_MAX)}
      jobs={jobs.items}
      names={names}
      steps={await stepsOf(context, {
        servers,
        policyCount: lines.length,
        jobCount: jobs.items.length,
      })}
    />
  )
}

/** All of them: their states are observed, not stored, so they are counted here. */
async function allServers(context: AdminContext): Promise<readonly Server[]> {
  const servers: Server[] = []
  let cursor: string | undefined
  do {
    const page = await listServers(context, { limit: 500, cursor })
    servers.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return servers
}

function countStates(servers: readonly Server[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { state } of servers) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

interface Progress {
  readonly servers: readonly Server[]
  readonly policyCount: number
  readonly jobCount: number
}

/** What is still to do before the first file arrives; null once it is done. */
async function stepsOf(context: AdminContext, progress: Progress): Promise<readonly Step[] | null> {
  if (progress.servers.length > 1 && progress.policyCount > 0) return null
  const places = await placesOf(context)
  const { state } = context.license.current()
  return [
    {
      done: state === 'valid' || state === 'grace',
      title: 'Add the licence',
      about: 'Two files from your licence authority.',
      href: '/license',
      label: 'Licence',
    },
    {
      done: places.length > 0,
      title: 'Say where servers stand',
      about: 'One region and one group are enough to begin.',
      href: '/topology',
      label: 'Topology',
    },
    {
      done: progress.servers.length > 1,
      title: 'Enrol a source and a target',
      about: 'One command on each host.',
      href: '/servers/new',
      label: 'Add a server',
    },
    {
      done: progress.policyCount > 0,
      title: 'Make a policy',
      about: 'From which folder to which.',
      href: '/policies/new',
      label: 'New policy',
    },
  ]
}
