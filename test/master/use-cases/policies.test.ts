import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { policyFields } from '../../../src/master/policy-schema.ts'
import { deleteGroup, listGroups } from '../../../src/master/use-cases/groups.ts'
import {
  createPolicy,
  deletePolicy,
  getPolicy,
  listPolicies,
  pausePolicy,
  updatePolicy,
} from '../../../src/master/use-cases/policies.ts'
import {
  createRegion,
  deleteRegion,
  listRegions,
  updateRegion,
} from '../../../src/master/use-cases/regions.ts'
import { updateServer } from '../../../src/master/use-cases/servers.ts'
import { codeOf } from '../../fakes/eventually.ts'
import { mustEnrol } from '../../fakes/scripted-agent.ts'
import {
  type TestMaster,
  makeGroups,
  makeToken,
  removeMasterFolders,
  startTestMaster,
} from '../../fakes/test-master.ts'

let master: TestMaster

beforeEach(async () => {
  master = await startTestMaster()
  const groups = await makeGroups(master, ['a', 'b'])
  for (const [name, group] of [
    ['one', 'a'],
    ['two', 'a'],
    ['three', 'b'],
  ] as const) {
    await mustEnrol(master.url, await makeToken(master, groups[group] ?? ''), name)
  }
})

afterEach(async () => {
  await master.stop()
})

afterAll(removeMasterFolders)

const BASE = {
  name: 'web',
  sources: [{ serverId: 'name:one', path: '/srv/web' }],
  targets: [{ groupId: 'name:a', path: '/srv/web' }],
}

async function create(fields: Record<string, unknown> = {}) {
  const parsed = policyFields.parse({ ...BASE, ...fields })
  return await createPolicy(master.context, SYSTEM_ACTOR, parsed)
}

describe('a policy', () => {
  test('has the defaults of the contract', async () => {
    expect(await create()).toMatchObject({
      kind: 'distribute',
      enabled: false,
      mode: 'realtime',
      schedule: null,
      filter: { include: [], exclude: [], deleteExcluded: false },
      hops: [],
      route: { kind: 'auto' },
      deletes: 'mirror',
      maxDelete: { count: 1000, percent: 30, windowS: 600 },
      firstContact: 'hold',
      retry: { attempts: 3, backoffMs: 1000 },
      recovery: { mode: 'immediate' },
      conflict: 'newest',
      keep: { days: 0 },
      metadata: {
        owner: 'id',
        mode: true,
        hardLinks: false,
        xattrs: false,
        acls: false,
        sparse: true,
      },
      sources: [{ path: '/srv/web', requireMount: false }],
      targets: [{ path: '/srv/web', minFreePercent: 3 }],
      version: 1,
      warnings: [],
    })
  })

  test('leaves a source out of the group it lies in', async () => {
    const { id } = await create()
    const rows = await master.database.read.all<{ name: string }>(
      `SELECT s.name FROM bindings b JOIN servers s ON s.id = b.server_id WHERE b.policy_id = '${id}'`,
    )
    expect(rows.map((row) => row.name)).toEqual(['two'])
  })

  test('keeps its bindings when it changes, but for those whose path changed', async () => {
    const { id } = await create({
      targets: [
        { groupId: 'name:a', path: '/a' },
        { serverId: 'name:three', path: '/b' },
      ],
    })
    const bindings = async () =>
      await master.database.read.all<{ id: string; path: string }>(
        'SELECT id, path FROM bindings ORDER BY path',
      )
    const before = await bindings()
    await updatePolicy(master.context, SYSTEM_ACTOR, {
      reference: id,
      change: (current) => ({
        ...current,
        targets: current.targets.map((target) =>
          target.path === '/b' ? { ...target, path: '/c' } : target,
        ),
      }),
    })
    const after = await bindings()
    expect(after[0]).toEqual(before[0] as never)
    expect(after[1]?.path).toBe('/c')
    expect(after[1]?.id).not.toBe(before[1]?.id)
  })

  test('raises the view revision only where what is sent changes', async () => {
    const { id } = await create()
    const revision = async () =>
      (
        await master.database.read.all<{ v: number }>(
          'SELECT view_revision AS v FROM policy_sources',
        )
      )[0]?.v
    const change = async (fields: Record<string, unknown>) => {
      const merged = (current: object) => policyFields.parse({ ...current, ...fields })
      await updatePolicy(master.context, SYSTEM_ACTOR, { reference: id, change: merged })
    }
    await change({ deletes: 'keep' })
    expect(await revision()).toBe(0)
    await change({ filter: { exclude: ['\\.tmp$'] } })
    expect(await revision()).toBe(1)
    await change({ metadata: { owner: 'off' } })
    expect(await revision()).toBe(2)
  })

  test('is changed on the version that was read, else not', async () => {
    const { id } = await create()
    await pausePolicy(master.context, SYSTEM_ACTOR, { reference: id, reason: 'deploy' })
    expect(await getPolicy(master.context, 'name:web')).toMatchObject({
      version: 2,
      pauseReason: 'deploy',
    })
    const change = (current: Parameters<Parameters<typeof updatePolicy>[2]['change']>[0]) => current
    const stale = updatePolicy(master.context, SYSTEM_ACTOR, {
      reference: id,
      change,
      expectedVersion: 1,
    })
    expect(await codeOf(stale)).toBe('STALE')
    expect(
      await codeOf(
        deletePolicy(master.context, SYSTEM_ACTOR, { reference: id, expectedVersion: 1 }),
      ),
    ).toBe('STALE')
    await deletePolicy(master.context, SYSTEM_ACTOR, { reference: id, expectedVersion: 2 })
    expect((await listPolicies(master.context, {})).items).toEqual([])
  })

  test('takes names in the scopes of its hops and keeps ids', async () => {
    const hops = [{ scope: { from: 'name:one', to: 'name:r-a-b/b' }, compression: 7 }]
    const made = await create({ hops })
    const { items } = await listGroups(master.context, { name: 'b' })
    expect(made.hops).toMatchObject([{ scope: { to: items[0]?.id ?? '' }, compression: 7 }])
    const unknown = [{ scope: { from: 'name:one', to: 'name:nowhere' } }]
    expect(await codeOf(create({ name: 'x', hops: unknown }))).toBe('NOT_FOUND')
  })

  test('warns where a limit is switched off', async () => {
    const { warnings } = await create({ maxDelete: { count: null, percent: null } })
    expect(warnings.length).toBe(2)
  })
})

describe('what is refused', () => {
  const table: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['the name of another', {}, 'NAME_TAKEN'],
    [
      'a server that is not there',
      { name: 'x', sources: [{ serverId: 'name:none', path: '/x' }] },
      'NOT_FOUND',
    ],
    [
      'a target within a source of another policy',
      {
        name: 'x',
        sources: [{ serverId: 'name:three', path: '/x' }],
        targets: [{ serverId: 'name:one', path: '/srv/web/x' }],
      },
      'ROOT_OVERLAP',
    ],
    [
      'a target of a group that already gets one there',
      {
        name: 'x',
        sources: [{ serverId: 'name:three', path: '/x' }],
        targets: [{ groupId: 'name:a', path: '/srv' }],
      },
      'ROOT_OVERLAP',
    ],
    [
      'the way back',
      {
        name: 'x',
        sources: [{ serverId: 'name:two', path: '/srv/web' }],
        targets: [{ serverId: 'name:one', path: '/srv/web' }],
      },
      'POLICY_CYCLE',
    ],
    [
      'a path with ..',
      { name: 'x', sources: [{ serverId: 'name:three', path: '/a/../b' }] },
      'PATH_INVALID',
    ],
    ['counts of counts', { name: 'x', filter: { exclude: ['(a{1000}){1000}'] } }, 'PATTERN_UNSAFE'],
    ['too much', { name: 'x', filter: { exclude: Array(100).fill('.{99}') } }, 'PATTERN_UNSAFE'],
    ['look-ahead', { name: 'x', filter: { include: ['(?=a)'] } }, 'PATTERN_UNSAFE'],
    [
      'no TLS beyond a group',
      { name: 'x', hops: [{ scope: 'region', tls: false }] },
      'PLAIN_REFUSED',
    ],
    ['a mirror', { name: 'x', kind: 'mirror' }, 'NOT_IMPLEMENTED'],
    ['a schedule', { name: 'x', mode: 'reserved', schedule: { everyS: 60 } }, 'NOT_IMPLEMENTED'],
    ['keeping old files', { name: 'x', keep: { days: 7 } }, 'NOT_IMPLEMENTED'],
  ]
  test.each(table)('%s', async (_, fields, code) => {
    await create()
    expect(await codeOf(create(fields))).toBe(code)
    expect((await listPolicies(master.context, {})).items.length).toBe(1)
  })

  test('moving a server to where its roots would overlap', async () => {
    await create()
    const other = {
      name: 'x',
      sources: [{ serverId: 'name:one', path: '/x' }],
      targets: [{ serverId: 'name:three', path: '/srv' }],
    }
    await create(other)
    const move = { reference: 'name:three', patch: { groupId: 'name:a' } }
    expect(await codeOf(updateServer(master.context, SYSTEM_ACTOR, move))).toBe('ROOT_OVERLAP')
  })

  test('deleting a group or a region that something uses, naming it', async () => {
    expect(await codeOf(deleteGroup(master.context, SYSTEM_ACTOR, { reference: 'name:b' }))).toBe(
      'IN_USE',
    )
    const region = { reference: 'name:r-a-b' }
    expect(await codeOf(deleteRegion(master.context, SYSTEM_ACTOR, region))).toBe('IN_USE')
  })
})

describe('lists', () => {
  test('are in pages that neither repeat nor leave out', async () => {
    for (const name of ['k', 'c', 'x', 'm', 'd']) {
      await createRegion(master.context, SYSTEM_ACTOR, { name })
    }
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await listRegions(master.context, { limit: 2, cursor })
      seen.push(...page.items.map((item) => item.name))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual(['c', 'd', 'k', 'm', 'r-a-b', 'x'])
    expect(await codeOf(listRegions(master.context, { cursor: 'rubbish' }))).toBe('INVALID_REQUEST')
  })

  test('names are unique, also when they change', async () => {
    await createRegion(master.context, SYSTEM_ACTOR, { name: 'k' })
    expect(await codeOf(createRegion(master.context, SYSTEM_ACTOR, { name: 'k' }))).toBe(
      'NAME_TAKEN',
    )
    const rename = { reference: 'name:k', patch: { name: 'r-a-b' } }
    expect(await codeOf(updateRegion(master.context, SYSTEM_ACTOR, rename))).toBe('NAME_TAKEN')
    expect(await codeOf(updateRegion(master.context, SYSTEM_ACTOR, { ...rename, patch: {} }))).toBe(
      null,
    )
  })

  test('the licence bounds regions', async () => {
    master.license.limits = { regions: 1 }
    expect(await codeOf(createRegion(master.context, SYSTEM_ACTOR, { name: 'k' }))).toBe(
      'LICENSE_LIMIT',
    )
  })
})

describe('a manual route', () => {
  const route = (...chains: string[][]) => ({
    route: { kind: 'manual', chains: chains.map((servers) => ({ servers })) },
    targets: ['two', 'three'].map((name) => ({ serverId: `name:${name}`, path: '/srv/web' })),
  })

  test('is kept by the ids of its servers', async () => {
    const { id, targets } = await create(route(['name:one', 'name:three', 'name:two']))
    const [two, three] = targets.map((target) => ('serverId' in target ? target.serverId : ''))
    const { route: kept, sources } = await getPolicy(master.context, id)
    const servers = [sources[0]?.serverId, three, two]
    expect(kept).toEqual({ kind: 'manual', chains: [{ servers }] } as never)
  })

  test.each([
    ['a server twice', [['name:two', 'name:two']], 'ROUTE_INVALID'],
    [
      'in circles',
      [
        ['name:two', 'name:three'],
        ['name:three', 'name:two'],
      ],
      'ROUTE_INVALID',
    ],
    ['a server that nobody knows', [['name:nobody']], 'NOT_FOUND'],
  ])('%s is refused', async (...[, chains, code]) => {
    expect(await codeOf(create(route(...chains)))).toBe(code)
    expect((await listPolicies(master.context, {})).items).toEqual([])
  })

  test('through a server that is no target is refused', async () => {
    const chains = { route: route(['name:three', 'name:two']).route }
    expect(await codeOf(create(chains))).toBe('ROUTE_INVALID')
  })
})
