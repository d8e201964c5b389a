import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { X509Certificate } from 'node:crypto'

import { agentServerName, agentUri } from '../../../src/core/wire/enrolment.ts'
import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { policyFields } from '../../../src/master/policy-schema.ts'
import {
  createEnrollmentToken,
  getEnrollmentToken,
  listEnrollmentTokens,
} from '../../../src/master/use-cases/enrollment-tokens.ts'
import { tryFilter } from '../../../src/master/use-cases/filter-trials.ts'
import { createPolicy } from '../../../src/master/use-cases/policies.ts'
import { getServer, revokeServer, updateServer } from '../../../src/master/use-cases/servers.ts'
import { listServerFiles } from '../../../src/master/use-cases/servers.ts'
import { codeOf, eventually } from '../../fakes/eventually.ts'
import {
  ScriptedAgent,
  enrolHost,
  hello,
  mustEnrol,
  signAgentToken,
} from '../../fakes/scripted-agent.ts'
import {
  type TestMaster,
  makeGroups,
  makePolicy,
  makeToken,
  removeMasterFolders,
  startTestMaster,
} from '../../fakes/test-master.ts'

let master: TestMaster
let groupId: string

beforeEach(async () => {
  master = await startTestMaster()
  groupId = (await makeGroups(master, ['a']))['a'] ?? ''
})

afterEach(async () => {
  await master.stop()
})

afterAll(removeMasterFolders)

const enrol = async (name: string) =>
  await mustEnrol(master.url, await makeToken(master, groupId), name)

describe('enrolment', () => {
  test('the certificate names the id, whatever the request asked for', async () => {
    const identity = await enrol('web-1')
    const certificate = new X509Certificate(identity.certificate)
    const { serverId } = identity
    expect(certificate.subject).toBe(`CN=${serverId}`)
    expect(certificate.subjectAltName).toBe(
      `DNS:${agentServerName(serverId)}, URI:${agentUri(serverId)}`,
    )
    expect(certificate.verify(new X509Certificate(identity.authority).publicKey)).toBe(true)
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(90)
    expect(await getServer(master.context, 'name:web-1')).toMatchObject({
      id: serverId,
      groupId,
      state: 'pending',
      mode: 'active',
      roles: ['cms', 'cas', 'sm'],
    })
  })

  test('a token counts its uses, also those that come together', async () => {
    const token = await makeToken(master, groupId, 2)
    const names = ['one', 'two', 'three', 'four']
    const answers = await Promise.all(names.map((name) => enrolHost(master.url, token, name)))
    const refused = answers.flatMap((answer) => ('code' in answer ? [answer] : []))
    expect(refused).toMatchObject([
      { code: 'TOKEN_USED', status: 403 },
      { code: 'TOKEN_USED', status: 403 },
    ])
    const [listed] = (await listEnrollmentTokens(master.context, {})).items
    expect(listed).toMatchObject({ uses: 2, maxUses: 2 })
    expect(JSON.stringify(listed)).not.toContain(token.split('.')[1] ?? '')
  })

  test.each([
    ['an expired token', { expiresInS: -1, name: 'new' }, 'TOKEN_EXPIRED'],
    ['a name that is taken', { expiresInS: 600, name: 'taken' }, 'NAME_TAKEN'],
    ['a name that is none', { expiresInS: 600, name: 'a b' }, 'INVALID_REQUEST'],
  ])('%s', async (_, { expiresInS, name }, code) => {
    await enrol('taken')
    const wanted = { groupId, roles: ['cas'] as const, expiresInS, maxUses: 5 }
    const { token, id } = await createEnrollmentToken(master.context, SYSTEM_ACTOR, wanted)
    expect(await enrolHost(master.url, token, name)).toMatchObject({ code })
    expect((await getEnrollmentToken(master.context, id)).uses).toBe(0)
  })

  test('an unknown token, and too many tries with unknown ones', async () => {
    const unknown = `cdt1.${'x'.repeat(43)}.y`
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(await enrolHost(master.url, unknown, 'new')).toMatchObject({ code: 'TOKEN_INVALID' })
    }
    expect(await enrolHost(master.url, unknown, 'new')).toMatchObject({
      code: 'TOO_MANY_ATTEMPTS',
      status: 429,
    })
  })

  test('the licence bounds the servers', async () => {
    master.license.limits = { cas: 1 }
    await enrol('one')
    const refused = await enrolHost(master.url, await makeToken(master, groupId), 'two')
    expect(refused).toMatchObject({ code: 'LICENSE_LIMIT' })
    expect(await codeOf(getServer(master.context, 'name:two'))).toBe('NOT_FOUND')
  })

  test('a rebuilt host takes its old place, and its old key counts no more', async () => {
    const old = await enrol('web-1')
    const before = await ScriptedAgent.connect(master.url, old)
    const roles = ['cas'] as const
    const order = { serverId: 'name:web-1', roles, expiresInS: 600, maxUses: 1 }
    const { token } = await createEnrollmentToken(master.context, SYSTEM_ACTOR, order)
    const rebuilt = await mustEnrol(master.url, token, 'anything')
    expect(rebuilt.serverId).toBe(old.serverId)
    await eventually('the end of the old connection', () => before.closed)
    const again = await ScriptedAgent.open(master.url, old, await signAgentToken(old))
    await eventually('the refusal', () => again.of('refused')[0]?.code === 'AGENT_UNKNOWN')
    await ScriptedAgent.connect(master.url, rebuilt)
    expect(await getServer(master.context, old.serverId)).toMatchObject({
      name: 'web-1',
      roles: ['cas'],
    })
  })

  test('a request that is too large or no JSON is refused', async () => {
    const post = async (body: string) =>
      (
        await fetch(`${master.url}/enroll`, {
          method: 'POST',
          body,
          tls: { rejectUnauthorized: false },
        })
      ).status
    expect(await post('{')).toBe(400)
    expect(await post(JSON.stringify({ secret: 'x'.repeat(100_000) }))).toBe(413)
  })
})

describe('the connection of an agent', () => {
  test('is greeted, configured and seen as up, then as down', async () => {
    const identity = await enrol('web-1')
    const agent = await ScriptedAgent.connect(master.url, identity)
    expect(agent.received.map((message) => message.type)).toEqual(['welcome', 'config'])
    expect(agent.config).toMatchObject({ serverId: identity.serverId, sources: [], targets: [] })
    expect(agent.config.authorityPem).toBe(identity.authority)
    expect(agent.config.ticketKey).toMatchObject({ kty: 'OKP', crv: 'Ed25519' })
    expect(agent.config.ticketKey).not.toHaveProperty('d')
    expect(Date.parse(agent.config.leaseUntil ?? '')).toBeGreaterThan(Date.now() + 70 * 3_600_000)
    const up = await getServer(master.context, 'name:web-1')
    expect(up).toMatchObject({ state: 'up', version: '0.0.0', address: '127.0.0.1:7410' })
    agent.close()
    await eventually('the server to be down', async () => {
      return (await getServer(master.context, 'name:web-1')).state === 'down'
    })
  })

  test('a newer one replaces the older one', async () => {
    const identity = await enrol('web-1')
    const older = await ScriptedAgent.connect(master.url, identity)
    const newer = await ScriptedAgent.connect(master.url, identity)
    await eventually('the end of the older one', () => older.closed)
    expect(newer.closed).toBe(false)
    expect(master.fleet.isConnected(identity.serverId)).toBe(true)
  })

  test.each([
    ['another audience', { aud: 'other' }, 'UNAUTHENTICATED'],
    ['an unknown server', { iss: crypto.randomUUID() }, 'AGENT_UNKNOWN'],
    ['an old token', { iat: 1000, exp: 1060 }, 'UNAUTHENTICATED'],
    [
      'a token that lives too long',
      { iat: Math.floor(Date.now() / 1000) - 4000, exp: 9_999_999_999 },
      'UNAUTHENTICATED',
    ],
    ['no id', { jti: 'x' }, 'UNAUTHENTICATED'],
  ])('a token with %s is refused', async (_, claims, code) => {
    const identity = await enrol('web-1')
    const agent = await ScriptedAgent.open(
      master.url,
      identity,
      await signAgentToken(identity, claims),
    )
    await eventually('the refusal', () => agent.of('refused').length > 0)
    expect(agent.of('refused')[0]?.code).toBe(code)
    await eventually('the end', () => agent.closed)
    expect(master.fleet.isConnected(identity.serverId)).toBe(false)
  })

  test("a token signed with another agent's key, a token used twice, and no token are refused", async () => {
    const [one, two] = [await enrol('one'), await enrol('two')]
    const once = await signAgentToken(one)
    await ScriptedAgent.open(master.url, one, once)
    for (const [token, code] of [
      [await signAgentToken(two, { iss: one.serverId }), 'AGENT_UNKNOWN'],
      [once, 'UNAUTHENTICATED'],
      ['', 'UNAUTHENTICATED'],
    ] as const) {
      const agent = await ScriptedAgent.open(master.url, one, token)
      await eventually('the refusal', () => agent.of('refused')[0]?.code === code)
    }
  })

  test.each([
    ['no JSON', '{', 'PROTOCOL'],
    ['a message before the hello', JSON.stringify({ type: 'goodbye', reason: '' }), 'PROTOCOL'],
    ['a hello of another protocol', JSON.stringify(hello({ protocol: 99 })), 'INCOMPATIBLE'],
    ['a hello that is none', JSON.stringify({ type: 'hello' }), 'PROTOCOL'],
  ])('%s is refused with a code', async (_, text, code) => {
    const identity = await enrol('web-1')
    const agent = await ScriptedAgent.open(master.url, identity, await signAgentToken(identity))
    agent.sendText(text)
    await eventually('the end', () => agent.closed)
    expect(agent.of('refused')[0]?.code).toBe(code)
    const { state } = await getServer(master.context, 'name:web-1')
    expect(state).toBe(code === 'INCOMPATIBLE' ? 'incompatible' : 'pending')
  })

  test('a message of an unknown type changes nothing', async () => {
    const agent = await ScriptedAgent.connect(master.url, await enrol('web-1'))
    agent.sendText(JSON.stringify({ type: 'news', from: 'a newer version' }))
    const asked = listServerFiles(master.context, { reference: 'name:web-1', path: '/srv' })
    await eventually('the question', () => agent.of('listFiles').length > 0)
    const { requestId = '', path } = agent.of('listFiles')[0] ?? {}
    expect(path).toBe('/srv')
    const entries = [{ name: 'web', type: 'directory' as const }]
    agent.send({ type: 'filesListed', requestId, entries, error: null })
    expect(await asked).toEqual(entries)
  })

  test('a filter is tried by the host; a path that is no text is told by its bytes too', async () => {
    const agent = await ScriptedAgent.connect(master.url, await enrol('web-1'))
    const filter = { include: ['a'], exclude: ['b'] }
    const ask = () => tryFilter(master.context, { reference: 'name:web-1', path: '/srv//', filter })
    const asked = ask()
    await eventually('the question', () => agent.of('tryFilter').length > 0)
    const { requestId = '', ...question } = agent.of('tryFilter')[0] ?? {}
    expect(question).toEqual({ type: 'tryFilter', path: '/srv', ...filter })
    const nothing = { files: 0, folders: 0, bytes: 0, sample: [] }
    const passes = { files: 1, folders: 0, bytes: 2, sample: ['a\xff'] }
    const trial = { passes, leftOut: nothing, isWhole: false }
    agent.send({ type: 'filterTried', requestId, trial, error: null })
    const sample = [{ path: 'a\ufffd', pathBytes: 'Yf8=' }]
    expect(await asked).toEqual({
      passes: { ...passes, sample },
      leftOut: nothing,
      complete: false,
    })
    const emptyAnswer = codeOf(ask())
    await eventually('the question', () => agent.of('tryFilter').length > 1)
    const second = agent.of('tryFilter')[1]?.requestId ?? ''
    agent.send({ type: 'filterTried', requestId: second, trial: null, error: null })
    expect(await emptyAnswer).toBe('PROTOCOL')
  })

  test('a question that a host refuses fails with its code; one to a host that is away at once', async () => {
    const agent = await ScriptedAgent.connect(master.url, await enrol('web-1'))
    const ask = () =>
      codeOf(listServerFiles(master.context, { reference: 'name:web-1', path: '/etc' }))
    const asked = ask()
    await eventually('the question', () => agent.of('listFiles').length > 0)
    const { requestId = '' } = agent.of('listFiles')[0] ?? {}
    const error = { code: 'ROOT_REFUSED', message: 'not allowed' }
    agent.send({ type: 'filesListed', requestId, entries: [], error })
    expect(await asked).toBe('ROOT_REFUSED')
    const cutOff = ask()
    await eventually('the question', () => agent.of('listFiles').length > 1)
    agent.close()
    expect(await cutOff).toBe('PEER_UNREACHABLE')
    await eventually('the end', () => !master.fleet.isConnected(agent.serverId))
    expect(await ask()).toBe('PEER_UNREACHABLE')
  })
})

describe('what agents are told', () => {
  test('policies, peers with their addresses, and nothing that does not concern them', async () => {
    const [a, b, c] = [await enrol('a'), await enrol('b'), await enrol('c')]
    const [one, two, three] = [
      await ScriptedAgent.connect(master.url, a),
      await ScriptedAgent.connect(master.url, b),
      await ScriptedAgent.connect(master.url, c),
    ]
    const policy = await makePolicy(master, { source: a.serverId, targets: [b.serverId] })
    await eventually(
      'the configurations',
      () => one.config.sources.length + two.config.targets.length === 2,
    )
    expect(one.config.sources).toMatchObject([
      { policyId: policy.id, path: '/source', known: null },
    ])
    expect(one.config.peers).toMatchObject([{ serverId: b.serverId, addresses: [{ port: 7410 }] }])
    expect(two.config.targets).toMatchObject([
      { policyId: policy.id, path: '/target', sourceServerId: a.serverId, policyRevision: 1 },
    ])
    const sourceKey = new X509Certificate(a.certificate).publicKey.export({
      type: 'spki',
      format: 'der',
    })
    expect(two.config.targets[0]?.sourceKey).toBe(sourceKey.toString('base64'))
    expect(three.of('config').length).toBe(1)
    expect(one.config.revision).toBeGreaterThan(one.of('config')[0]?.revision ?? Infinity)
  })

  test('a revoked server is cut off, leaves every configuration, and cannot come back', async () => {
    const [a, b, c] = [await enrol('a'), await enrol('b'), await enrol('c')]
    const one = await ScriptedAgent.connect(master.url, a)
    const two = await ScriptedAgent.connect(master.url, b)
    await makePolicy(master, { source: a.serverId, targets: [b.serverId] })
    await eventually('the configuration', () => one.config.peers.length === 1)
    const order = { reference: 'name:b', reason: 'stolen' }
    expect(await revokeServer(master.context, SYSTEM_ACTOR, order)).toEqual({
      acknowledgedBy: [a.serverId],
      pending: [c.serverId],
    })
    await eventually('the end of its connection', () => two.closed)
    expect(two.of('refused')[0]?.code).toBe('AGENT_REVOKED')
    await eventually('the news', () => one.config.peers.length === 0)
    const again = await ScriptedAgent.open(master.url, b, await signAgentToken(b))
    await eventually('the refusal', () => again.of('refused')[0]?.code === 'AGENT_REVOKED')
    expect(await getServer(master.context, 'name:b')).toMatchObject({
      state: 'revoked',
      revokeReason: 'stolen',
    })
  })

  test('a host that comes into a group gets what its group gets; one that leaves does not', async () => {
    const { b: other = '' } = await makeGroups(master, ['b'])
    const source = await enrol('source')
    const fields = policyFields.parse({
      name: 'group-wide',
      enabled: true,
      sources: [{ serverId: 'name:source', path: '/source' }],
      targets: [{ groupId: 'name:a', path: '/target' }],
    })
    await createPolicy(master.context, SYSTEM_ACTOR, fields)
    const agent = await ScriptedAgent.connect(master.url, await enrol('late'))
    expect(agent.config.targets).toMatchObject([{ path: '/target' }])
    const move = { reference: 'name:late', patch: { groupId: other } }
    await updateServer(master.context, SYSTEM_ACTOR, move)
    await eventually('the news', () => agent.config.targets.length === 0)
    const own = await ScriptedAgent.connect(master.url, source)
    expect([own.config.sources.length, own.config.targets.length]).toEqual([1, 0])
  })
})
