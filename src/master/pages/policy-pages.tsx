import { PoliciesPage } from '../../../views/pages/policies.tsx'
import { PolicyRoutePage, type RouteQuestionView } from '../../../views/pages/policy-route.tsx'
import { PolicyPage } from '../../../views/pages/policy.tsx'
import type { Option } from '../../../views/parts/form.tsx'
import { getConvergence } from '../use-cases/convergence.ts'
import { listJobs } from '../use-cases/jobs.ts'
import {
  deletePolicy,
  getPolicy,
  listPolicies,
  pausePolicy,
  resumePolicy,
} from '../use-cases/policies.ts'
import { getRoute, syncPolicyNow } from '../use-cases/policy-actions.ts'
import { listingOf } from './listing.ts'
import { CHOICES_MAX, idsOfJobs, namesOf, regionChoices } from './names.ts'
import { type Act, type Outcome, type Page, type Visit, act, view } from './page.ts'
import { policyFormPages } from './policy-form-pages.tsx'
import { lineOf, stateOfPolicy } from './policy-state.ts'

const JOBS_MAX = 8

async function showPolicies(visit: Visit) {
  const { context, frame } = visit
  const page = await listPolicies(context, { cursor: visit.query('cursor') })
  const lines = await Promise.all(
    page.items.map(async (policy) => ({
      ...lineOf(await getConvergence(context, policy.id), policy.enabled),
      mode: policy.mode,
    })),
  )
  const servers = lines.flatMap((line) => line.sources.map((source) => source.serverId))
  const listing = listingOf(visit, { items: lines, nextCursor: page.nextCursor })
  return (
    <PoliciesPage frame={frame} policies={listing} names={await namesOf(context, { servers })} />
  )
}

async function showPolicy(visit: Visit) {
  const { context, frame } = visit
  const policy = await getPolicy(context, visit.param('id'))
  const convergence = await getConvergence(context, policy.id)
  const jobs = await listJobs(context, { policyId: policy.id, limit: JOBS_MAX })
  const ids = idsOfJobs(jobs.items)
  const places = [...convergence.sources, ...convergence.targets].map((place) => place.serverId)
  return (
    <PolicyPage
      frame={frame}
      policy={policy}
      convergence={convergence}
      state={stateOfPolicy(convergence)}
      jobs={jobs.items}
      names={await namesOf(context, { ...ids, servers: [...ids.servers, ...places] })}
    />
  )
}

async function showRoute(visit: Visit) {
  const { context, frame } = visit
  const policy = await getPolicy(context, visit.param('id'))
  const question = questionOf(visit)
  const bytes = Number(question.bytes === '' ? Number.NaN : question.bytes)
  const { hops, unreachable } = await getRoute(context, {
    reference: policy.id,
    bytes: Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined,
    without: [question.without].filter((server) => server !== ''),
    cut: [question.cut].filter((region) => region !== ''),
  })
  const convergence = await getConvergence(context, policy.id)
  const places = [...convergence.sources, ...convergence.targets].map(({ serverId }) => serverId)
  const servers = [...new Set([...places, ...hops.map((hop) => hop.from)])]
  const names = await namesOf(context, { servers })
  const regions = await regionChoices(context)
  return (
    <PolicyRoutePage
      frame={frame}
      policy={policy}
      state={stateOfPolicy(convergence)}
      hops={hops}
      unreachable={unreachable}
      names={names}
      question={question}
      servers={byLabel(servers.map((id) => ({ value: id, label: names.get(id) ?? id })))}
      // From where everything is one region there is no way to another.
      regions={
        regions.length < 2 ? [] : regions.map(({ id, name }) => ({ value: id, label: name }))
      }
    />
  )
}

function questionOf(visit: Visit): RouteQuestionView {
  const asked = (name: string) => visit.query(name) ?? ''
  return { bytes: asked('bytes'), without: asked('without'), cut: asked('cut') }
}

function byLabel(options: readonly Option[]): Option[] {
  return options
    .toSorted((one, other) => one.label.localeCompare(other.label))
    .slice(0, CHOICES_MAX)
}

async function pause({ visit, form }: Act): Promise<Outcome> {
  const request = { reference: visit.param('id'), reason: form.text('reason').slice(0, 500) }
  const policy = await pausePolicy(visit.context, visit.actor, request)
  return {
    to: `/policies/${policy.id}`,
    say: `${policy.name} is paused: nothing is sent until it is resumed.`,
  }
}

async function resume({ visit }: Act): Promise<Outcome> {
  const policy = await resumePolicy(visit.context, visit.actor, visit.param('id'))
  return { to: `/policies/${policy.id}`, say: `${policy.name} is active.` }
}

async function sync({ visit }: Act): Promise<Outcome> {
  const { jobId } = await syncPolicyNow(visit.context, visit.actor, {
    reference: visit.param('id'),
  })
  return {
    to: `/jobs/${jobId}`,
    say: 'The sources were looked at; this job ends when every target has what they hold.',
  }
}

async function remove({ visit }: Act): Promise<Outcome> {
  await deletePolicy(visit.context, visit.actor, { reference: visit.param('id') })
  return { to: '/policies', say: 'The policy is deleted. Files stay where they are.' }
}

const policy = { objectType: 'policy', fallback: '/policies' } as const

export const policyPages: readonly Page[] = [
  view('/policies', 'policies.read', showPolicies),
  ...policyFormPages,
  view('/policies/:id', 'policies.read', showPolicy),
  view('/policies/:id/route', 'policies.read', showRoute),
  act({ ...policy, path: '/policies/:id/pause', action: 'policies.operate', run: pause }),
  act({ ...policy, path: '/policies/:id/resume', action: 'policies.operate', run: resume }),
  act({ ...policy, path: '/policies/:id/sync', action: 'policies.operate', run: sync }),
  act({ ...policy, path: '/policies/:id/delete', action: 'policies.change', run: remove }),
]
