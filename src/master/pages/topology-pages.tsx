import { count, isNull } from 'drizzle-orm'

import { type HopRuleView, type RegionView, TopologyPage } from '../../../views/pages/topology.tsx'
import type { AdminContext } from '../api/context.ts'
import { asRule } from '../api/endpoints/hop-rules.ts'
import { parseRequest } from '../api/parse.ts'
import { servers } from '../db/schema.ts'
import type { StoredHopRule } from '../model.ts'
import { hopRule, objectName } from '../policy-schema.ts'
import { createGroup, deleteGroup } from '../use-cases/groups.ts'
import { createHopRule, deleteHopRule, listHopRules } from '../use-cases/hop-rules.ts'
import { createRegion, deleteRegion } from '../use-cases/regions.ts'
import { placesOf, regionChoices } from './names.ts'
import { type Act, type Outcome, type Page, type Visit, act, numberOf, view } from './page.ts'

const MIB = 1 << 20

async function showTopology({ context, frame }: Visit) {
  const rules = await listHopRules(context, { limit: 500 })
  return (
    <TopologyPage
      frame={frame}
      regions={await regionsOf(context)}
      hopRules={rules.items.map(toRuleView)}
    />
  )
}

async function regionsOf(context: AdminContext): Promise<readonly RegionView[]> {
  const places = await placesOf(context)
  const counts = await context.database.read
    .select({ groupId: servers.groupId, value: count() })
    .from(servers)
    .where(isNull(servers.revokedAtMs))
    .groupBy(servers.groupId)
  const byGroup = new Map(counts.map(({ groupId, value }) => [groupId, value]))
  return (await regionChoices(context)).map((region) => ({
    ...region,
    groups: places
      .filter((place) => place.region.id === region.id)
      .map(({ group }) => ({ ...group, serverCount: byGroup.get(group.id) ?? 0 })),
  }))
}

const SCOPE_WORDS = {
  group: 'within a group',
  region: 'between groups',
  international: 'between regions',
}

function toRuleView(rule: StoredHopRule): HopRuleView {
  const { scope } = rule
  return {
    id: rule.id,
    scope: typeof scope === 'string' ? SCOPE_WORDS[scope] : `${scope.from} → ${scope.to}`,
    method: rule.method ?? null,
    compression: rule.compression ?? null,
    tls: rule.tls ?? null,
    rateBytesPerS: rule.rateBytesPerS ?? null,
  }
}

async function addRegion({ visit, form }: Act): Promise<Outcome> {
  const name = parseRequest(objectName, form.text('name'))
  await createRegion(visit.context, visit.actor, { name })
  return { to: '/topology', say: `Region ${name} is there. Add a group to it.` }
}

async function addGroup({ visit, form }: Act): Promise<Outcome> {
  const name = parseRequest(objectName, form.text('name'))
  await createGroup(visit.context, visit.actor, { name, regionId: form.text('regionId') })
  return { to: '/topology', say: `Group ${name} is there. Servers can be enrolled into it.` }
}

async function removeRegion({ visit }: Act): Promise<Outcome> {
  await deleteRegion(visit.context, visit.actor, { reference: visit.param('id') })
  return { to: '/topology', say: 'The region is deleted.' }
}

async function removeGroup({ visit }: Act): Promise<Outcome> {
  await deleteGroup(visit.context, visit.actor, { reference: visit.param('id') })
  return { to: '/topology', say: 'The group is deleted.' }
}

async function addRule({ visit, form }: Act): Promise<Outcome> {
  const rate = numberOf(form.text('rateMib'))
  const rule = parseRequest(hopRule, {
    scope: form.text('scope'),
    ...(form.text('method') === '' ? {} : { method: form.text('method') }),
    ...(form.text('compression') === '' ? {} : { compression: numberOf(form.text('compression')) }),
    ...(form.text('tls') === '' ? {} : { tls: form.text('tls') === 'on' }),
    ...(rate === undefined ? {} : { rateBytesPerS: typeof rate === 'number' ? rate * MIB : rate }),
  })
  await createHopRule(visit.context, visit.actor, asRule(rule))
  return { to: '/topology', say: 'The rule holds for every job from now on.' }
}

async function removeRule({ visit }: Act): Promise<Outcome> {
  await deleteHopRule(visit.context, visit.actor, { id: visit.param('id') })
  return { to: '/topology', say: 'The rule is deleted.' }
}

const change = (path: string, objectType: string, run: (act: Act) => Promise<Outcome>): Page =>
  act({
    path,
    action: objectType === 'hopRule' ? 'hopRules.change' : 'topology.change',
    objectType,
    fallback: '/topology',
    run,
  })

export const topologyPages: readonly Page[] = [
  view('/topology', 'topology.read', showTopology),
  change('/regions', 'region', addRegion),
  change('/regions/:id/delete', 'region', removeRegion),
  change('/groups', 'group', addGroup),
  change('/groups/:id/delete', 'group', removeGroup),
  change('/hop-rules', 'hopRule', addRule),
  change('/hop-rules/:id/delete', 'hopRule', removeRule),
]
