import { afterEach, beforeEach, expect, test } from 'bun:test'

import { ControlClient, type ControlState } from '../../../src/cas/control/control-client.ts'
import { SESSION_TIMES } from '../../../src/cas/control/session.ts'
import { enrol } from '../../../src/cas/enrolment/enrol.ts'
import type { Identity } from '../../../src/cas/identity.ts'
import {
  type AgentMessageOf,
  CONTROL_PROTOCOL,
  type MasterMessage,
} from '../../../src/core/wire/control.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { type FakeMaster, makeAuthorityFor, startFakeMaster } from '../../fakes/fake-master.ts'
import { startFreezingLine } from '../../fakes/freezing-line.ts'
import { waitFor } from '../../fakes/wait-for.ts'

const log = createLogger({ level: 'error', write: () => undefined })
const HELLO: AgentMessageOf<'hello'> = {
  type: 'hello',
  protocol: CONTROL_PROTOCOL,
  agentVersion: '0',
  roles: ['cas'],
  addresses: [],
  platform: { os: 'linux', architecture: 'x64', cpuCount: 1, memoryBytes: 1 },
}
const NOTHING = { sourceIds: new Set<string>(), bindingIds: new Set(['binding-1']) }

let master: FakeMaster
let identity: Identity
let clients: ControlClient[]

beforeEach(async () => {
  clients = []
  master = await startFakeMaster()
  identity = await enrol({ masters: [master.url], token: master.token(), name: 'web' })
})
afterEach(async () => {
  await Promise.all(clients.map((client) => client.stop('the test is over')))
  master.kill()
})

interface Watched {
  readonly client: ControlClient
  readonly messages: MasterMessage[]
  readonly states: ControlState[]
}

async function connect(
  options: { masters?: URL[]; times?: Partial<typeof SESSION_TIMES>; authorityPem?: string } = {},
): Promise<Watched> {
  const messages: MasterMessage[] = []
  const states: ControlState[] = []
  const client = await ControlClient.create({
    masters: options.masters ?? [master.url],
    subject: identity,
    authorityPem: options.authorityPem ?? identity.authorityPem,
    hello: () => Promise.resolve(HELLO),
    onMessage: (message) => {
      messages.push(message)
      if (message.type === 'config') client.configured(NOTHING)
    },
    onState: (state) => void states.push(state),
    clock: systemClock,
    log,
    random: () => 0,
    times: { ...SESSION_TIMES, ...options.times },
  })
  clients.push(client)
  client.connect()
  return { client, messages, states }
}

function targetReport(
  pendingCount: number,
  bindingId = 'binding-1',
): AgentMessageOf<'targetReport'> {
  return {
    type: 'targetReport',
    policyId: 'p',
    bindingId,
    watermark: null,
    pendingCount,
    pending: [],
    error: null,
  }
}

test('says hello and is told its configuration', async () => {
  const { messages } = await connect()
  await waitFor('the configuration', () => messages.length > 0)
  expect(messages.map(({ type }) => type)).toEqual(['config'])
  expect(master.of('hello')).toEqual([HELLO])
})

test('comes back when the master dies and returns, with a new token, and says its reports again', async () => {
  const { client } = await connect()
  client.send(targetReport(1))
  await waitFor('the report', () => master.of('targetReport').length === 1)
  master.kill()
  await waitFor('the loss', () => client.state.kind === 'connecting')
  client.send(targetReport(2))
  client.send(targetReport(3))
  master.start()
  await waitFor('the report again', () => master.of('targetReport').length === 2)
  expect(master.of('targetReport').at(-1)?.pendingCount).toBe(3)
  expect(new Set(master.tokens).size).toBe(2)
})

test('tries the next master, and the first again', async () => {
  const masters = [new URL('https://127.0.0.1:1'), master.url]
  const { states } = await connect({ masters })
  await waitFor('a connection', () => states.some(({ kind }) => kind === 'connected'))
  expect(states[0]).toMatchObject({ kind: 'connecting', lastError: { code: 'MASTER_UNREACHABLE' } })
})

test('never speaks to a master of another authority', async () => {
  const authority = await makeAuthorityFor()
  const { states } = await connect({ authorityPem: authority.pem })
  await waitFor('two attempts', () => states.length >= 2)
  expect(states.every(({ kind }) => kind === 'connecting')).toBe(true)
  expect(master.tokens).toEqual([])
})

test('an agent in the place of the master is refused, though the same authority vouches for it', async () => {
  const authority = await makeAuthorityFor()
  const honest = await startFakeMaster({ authority })
  identity = await enrol({ masters: [honest.url], token: honest.token(), name: 'rogue' })
  const impostor = { key: identity.keyPem, certificate: identity.certificatePem }
  const rogue = await startFakeMaster({ authority, impostor })
  const { states } = await connect({ masters: [rogue.url] })
  await waitFor('two attempts', () => states.length >= 2)
  expect(rogue.tokens).toEqual([])
  honest.kill()
  rogue.kill()
})

test('a revoked agent gives up', async () => {
  master.refusal = { code: 'AGENT_REVOKED', message: 'revoked: stolen' }
  const { client } = await connect()
  await waitFor('the end', () => client.state.kind === 'revoked')
  expect(client.state).toEqual({
    kind: 'revoked',
    reason: { code: 'AGENT_REVOKED', message: 'revoked: stolen' },
  })
})

test('a revocation ends a live connection too', async () => {
  const { client, messages } = await connect()
  await waitFor('the configuration', () => messages.length > 0)
  master.send({ type: 'refused', code: 'AGENT_REVOKED', message: 'revoked' })
  await waitFor('the end', () => client.state.kind === 'revoked')
})

test('an incompatible master is said and tried again', async () => {
  master.refusal = { code: 'INCOMPATIBLE', message: 'too old' }
  const { client } = await connect()
  await waitFor(
    'the refusal',
    () => client.state.kind === 'connecting' && client.state.lastError?.code === 'INCOMPATIBLE',
  )
})

test('a master that does not answer the hello is left', async () => {
  master.isMute = true
  const { states } = await connect({ times: { openTimeoutMs: 50 } })
  await waitFor('the next attempt', () => master.tokens.length >= 2)
  expect(states[0]).toMatchObject({ kind: 'connecting', lastError: { code: 'MASTER_UNREACHABLE' } })
})

test.each([
  ['no JSON', '{'],
  ['no type', '{"a":1}'],
  ['a faulty configuration', '{"type":"config","revision":-1}'],
])('a master that sends %s is left and tried again', async (_what, text) => {
  const { messages } = await connect()
  await waitFor('the configuration', () => messages.length === 1)
  master.send(text)
  await waitFor('the next connection', () => messages.length === 2)
})

test('a message of a type that is not known is passed over', async () => {
  const { messages } = await connect()
  await waitFor('the configuration', () => messages.length === 1)
  master.send('{"type":"fromTheFuture"}')
  master.send({ type: 'flush', requestId: 'r', policyId: 'p' })
  await waitFor('the message after it', () => messages.length === 2)
  expect(master.welcomed).toBe(1)
})

test('a connection on which little is said is kept by pings', async () => {
  const { client, states } = await connect({ times: { pingEveryMs: 10, silenceMs: 600 } })
  await waitFor('the connection', () => client.state.kind === 'connected')
  const pingedMs = performance.now()
  await waitFor('twice the silence', () => performance.now() - pingedMs > 1200)
  expect(states.map(({ kind }) => kind)).toEqual(['connected'])
})

test('a master that falls silent is noticed and dialled again', async () => {
  const line = startFreezingLine(Number(master.url.port))
  const masters = [new URL(`https://127.0.0.1:${line.port}`)]
  const { client } = await connect({ masters, times: { pingEveryMs: 20, silenceMs: 200 } })
  await waitFor('the connection', () => client.state.kind === 'connected')
  line.freeze()
  await waitFor('the loss', () => client.state.kind === 'connecting')
  expect(client.state).toMatchObject({ lastError: { code: 'MASTER_UNREACHABLE' } })
  line.thaw()
  await waitFor('the next connection', () => client.state.kind === 'connected')
  await client.stop('enough')
  line.stop()
})

test('answers are refused where there is nobody to hear them', async () => {
  master.kill()
  const { client } = await connect()
  expect(client.send({ type: 'flushed', requestId: 'r', sources: [], error: null })).toBe(false)
})

test('ends at once while it waits for the welcome', async () => {
  master.isMute = true
  const { client } = await connect()
  await waitFor('the hello', () => master.of('hello').length > 0)
  await client.stop('enough')
  expect(client.state.kind).toBe('stopped')
})

test('ends at once while it dials somebody who does not answer', async () => {
  let dialled = false
  const socket = {
    open: () => {
      dialled = true
    },
    data: () => undefined,
  }
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket })
  const { client } = await connect({ masters: [new URL(`https://127.0.0.1:${listener.port}`)] })
  await waitFor('the dialling', () => dialled)
  await client.stop('enough')
  expect(client.state.kind).toBe('stopped')
  listener.stop(true)
})

test('ends at once while it waits for the next attempt', async () => {
  master.kill()
  const { client, states } = await connect()
  await waitFor('a failed attempt', () => states.length > 0)
  await client.stop('enough')
  expect(client.state.kind).toBe('stopped')
})
