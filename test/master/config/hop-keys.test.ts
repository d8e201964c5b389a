import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { createHopSecret, hopKey } from '../../../src/master/hop-keys.ts'
import { policyFields } from '../../../src/master/policy-schema.ts'
import { createHopRule, deleteHopRule } from '../../../src/master/use-cases/hop-rules.ts'
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

const secret = createHopSecret()

test('a pair has one key, whichever way, and no other pair or master has it', () => {
  const key = hopKey(secret, 'a', 'b')
  expect(Buffer.from(key, 'base64')).toHaveLength(32)
  expect(hopKey(secret, 'b', 'a')).toBe(key)
  const others = [hopKey(secret, 'a', 'c'), hopKey(createHopSecret(), 'a', 'b')]
  expect(new Set([key, ...others]).size).toBe(3)
})

/** A source and one target in its group, one in another. */
async function agents(hops: readonly unknown[]) {
  const groups = await makeGroups(master, ['near', 'far'])
  const connect = async (name: string, group: string) => {
    const token = await makeToken(master, groups[group] ?? '')
    return await ScriptedAgent.connect(master.url, await mustEnrol(master.url, token, name))
  }
  const source = await connect('source', 'near')
  const near = await connect('one', 'near')
  const far = await connect('two', 'far')
  const fields = policyFields.parse({
    name: 'web',
    enabled: true,
    sources: [{ serverId: 'name:source', path: '/source' }],
    targets: ['one', 'two'].map((name) => ({ serverId: `name:${name}`, path: '/target' })),
    hops,
  })
  await createPolicy(master.context, SYSTEM_ACTOR, fields)
  await eventually('the peers', () => source.config.peers.length === 2)
  return { source, near, far }
}

const keyOf = (agent: ScriptedAgent, peer: ScriptedAgent) =>
  agent.config.peers.find(({ serverId }) => serverId === peer.serverId)?.hopKey ?? null

test('without a rule for plain hops nobody gets a key', async () => {
  const { source, near, far } = await agents([{ scope: 'group', compression: 3 }])
  expect([keyOf(source, near), keyOf(source, far), keyOf(near, source)]).toEqual([null, null, null])
})

test('both ends of a hop that may be plain get the same key, and nobody else any', async () => {
  const { source, near, far } = await agents([{ scope: 'group', tls: false }])
  const key = keyOf(source, near)
  expect(key).toHaveLength(44)
  await eventually('the other end', () => keyOf(near, source) === key)
  expect([keyOf(source, far), keyOf(far, source), keyOf(far, near)]).toEqual([null, null, null])
})

test('TLS for the fleet takes the keys away at once, and gives them back when it goes', async () => {
  const { source, near } = await agents([{ scope: 'group', tls: false }])
  const key = keyOf(source, near)
  const rule = await createHopRule(master.context, SYSTEM_ACTOR, { scope: 'group', tls: true })
  await eventually('no key', () => keyOf(source, near) === null && keyOf(near, source) === null)
  await deleteHopRule(master.context, SYSTEM_ACTOR, { id: rule.id })
  await eventually('the same key', () => keyOf(source, near) === key && keyOf(near, source) === key)
})
