import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { policyFields } from '../../../src/master/policy-schema.ts'
import { createPolicy } from '../../../src/master/use-cases/policies.ts'
import { eventually } from '../../fakes/eventually.ts'
import { ScriptedAgent, mustEnrol } from '../../fakes/scripted-agent.ts'
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
})
afterEach(() => master.stop())
afterAll(removeMasterFolders)

async function connect(name: string): Promise<ScriptedAgent> {
  const { [name]: group = '' } = await makeGroups(master, [name])
  const token = await makeToken(master, group)
  return await ScriptedAgent.connect(master.url, await mustEnrol(master.url, token, name))
}

test('a target learns of the other sources at its root, in their order; one source alone has none', async () => {
  await connect('one')
  await connect('two')
  const target = await connect('target')
  const policy = (name: string, sources: readonly string[], conflict: string) =>
    policyFields.parse({
      name,
      enabled: true,
      sources: sources.map((server) => ({ serverId: `name:${server}`, path: `/${name}` })),
      targets: [{ serverId: 'name:target', path: `/${name}` }],
      conflict,
    })
  await createPolicy(master.context, SYSTEM_ACTOR, policy('both', ['two', 'one'], 'sourceOrder'))
  await createPolicy(master.context, SYSTEM_ACTOR, policy('alone', ['one'], 'newest'))
  await eventually('the targets', () => target.config.targets.length === 3)
  const both = target.config.targets.filter(({ path }) => path === '/both')
  const byOrder = new Map(both.map((one) => [one.union?.order, one]))
  expect(new Set(byOrder.keys())).toEqual(new Set([0, 1]))
  for (const [order, { union }] of byOrder) {
    const other = byOrder.get(1 - (order ?? 0))
    const others = [{ bindingId: other?.bindingId, order: 1 - (order ?? 0) }]
    expect(union).toEqual({ order, conflict: 'sourceOrder', others } as never)
  }
  expect(target.config.targets.find(({ path }) => path === '/alone')?.union).toBeUndefined()
})
