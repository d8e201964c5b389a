import { afterEach, beforeEach, expect, test } from 'bun:test'

import { generateKeyPair } from 'jose'

import { AppError } from '../../../src/core/base/errors.ts'
import { DATA_PROTOCOL, type Frame } from '../../../src/core/wire/frame.ts'
import { dial } from '../../../src/platform/data-dial.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import {
  SOURCE_PEER,
  SOURCE_SERVER,
  SyncFleet,
  TARGET_SERVER,
  type TicketChanges,
  jobNode,
} from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

let fleet: SyncFleet
let source: MemorySource

beforeEach(async () => {
  fleet = await SyncFleet.make()
  source = new MemorySource()
  source.folder('d')
  source.write('d/a', 'alpha')
  source.write('d/b', 'x'.repeat(300_000))
})
afterEach(() => fleet.stop())

test('a job is sent, applied, and told by both sides', async () => {
  const { port, reports, binding } = await fleet.serve()
  const sending = fleet.client(port, source)
  await sending.client.run(await fleet.job(source.headSeq()))
  expect(binding().listing()).toEqual(['d directory', 'd/a alpha', `d/b ${'x'.repeat(300_000)}`])
  expect(sending.reports.at(-1)).toMatchObject({
    type: 'jobReport',
    jobId: 'job-1',
    bindingId: 'binding-1',
    serverId: TARGET_SERVER,
    via: SOURCE_SERVER,
    state: 'done',
    attempts: 1,
    entriesApplied: 3,
    entriesFailed: 0,
    error: null,
  })
  // 300,000 times the same byte, under lz4.
  expect(sending.reports.at(-1)?.bytesOnWire).toBeWithin(500, 10_000)
  expect(reports.map(({ watermark }) => watermark)).toEqual([null, { epoch: 'epoch-1', seq: 3 }])
})

test('several jobs to one server use one connection, and one that died unnoticed costs no attempt', async () => {
  const first = await fleet.serve()
  const sending = fleet.client(first.port, source)
  const keys = { ...first.configuration, listen: { host: '127.0.0.1', port: first.port } }
  await sending.client.run(await fleet.job(source.headSeq()))
  source.write('d/a', 'beta')
  await sending.client.run(await fleet.job(source.headSeq()))
  first.server.stop()
  const second = await fleet.serve({ configuration: keys })
  source.write('d/a', 'gamma')
  await sending.client.run(await fleet.job(source.headSeq()))
  expect(second.binding().listing()).toContain('d/a gamma')
  const done = sending.reports.filter(({ state }) => state === 'done')
  expect(done.map(({ attempts }) => attempts)).toEqual([1, 1, 1])
})

test('where all places are taken, a connection that is only kept gives way', async () => {
  const { port, binding } = await fleet.serve({ sessionsMax: 1 })
  const senders = [fleet.client(port, source), fleet.client(port, source)]
  for (const [round, { client, reports }] of [...senders, ...senders].entries()) {
    source.write('d/a', `change ${round}`)
    await client.run(await fleet.job(source.headSeq(), { retry: { attempts: 1, backoffMs: 1 } }))
    expect(reports.at(-1)).toMatchObject({ state: 'done', attempts: 1 })
    expect(binding().listing()).toContain(`d/a change ${round}`)
  }
})

test('where all places are taken by jobs, another sender is told so', async () => {
  const { port, binding } = await fleet.serve({ sessionsMax: 1 })
  const [first, second] = [fleet.client(port, source), fleet.client(port, source)]
  const job = await fleet.job(source.headSeq(), { retry: { attempts: 1, backoffMs: 1 } })
  const slow = job.children.map((node) => {
    return { ...node, hop: { ...node.hop, compression: 0, rateBytesPerS: 10_000 } }
  })
  const run = first.client.run({ ...job, children: slow })
  await waitFor('a set', () => binding().openSets > 0)
  await second.client.run(job)
  expect(second.reports.at(-1)?.error?.code).toBe('BINDING_BUSY')
  first.client.cancel(job.jobId)
  await run
})

test('a job of a server that is no peer any more ends, whatever its ticket says', async () => {
  const peers = [{ serverId: SOURCE_SERVER, name: 'source', addresses: [] }]
  const { server, port, configuration, binding } = await fleet.serve({ configuration: { peers } })
  const { client, reports } = fleet.client(port, source)
  source.onOpen = () => {
    source.onOpen = null
    server.configure({ ...configuration, listen: { host: '127.0.0.1', port }, peers: [] })
  }
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ attempts: 1, error: { code: 'PEER_UNTRUSTED' } })
  expect(binding().openSets).toBe(0)
})

const badTickets: readonly (readonly [string, TicketChanges])[] = [
  ['that has expired', { expiresInS: -3600 }],
  ['for another server', { claims: { aud: SOURCE_SERVER } }],
  ['for another job', { claims: { jobId: 'job-2' } }],
  ['for another binding', { claims: { bindingId: 'binding-2' } }],
  ['for another source', { claims: { sourceId: 'source-2' } }],
  ['for another source server', { claims: { sourceServerId: TARGET_SERVER } }],
  ['for another policy', { claims: { policyId: 'policy-2' } }],
  ['for other senders', { claims: { senders: [TARGET_SERVER] } }],
  ['of another issuer', { claims: { iss: 'somebody' } }],
  ['that does not say all', { claims: { policyRevision: undefined } }],
  ['of another type', { header: { alg: 'EdDSA', typ: 'JWT' } }],
]

test.each(badTickets)('a ticket %s opens nothing', async (_what, changes) => {
  const { port, binding } = await fleet.serve()
  const { client, reports } = fleet.client(port, source)
  const ticket = await fleet.ticket(changes)
  await client.run(await fleet.job(source.headSeq(), { ticket }))
  expect(reports.at(-1)).toMatchObject({
    state: 'failed',
    attempts: 1,
    error: { code: 'TICKET_INVALID' },
  })
  expect(binding().headers).toEqual([])
})

test('a ticket signed by another key, by none, or that is none, opens nothing', async () => {
  const { port, binding } = await fleet.serve()
  const { client, reports } = fleet.client(port, source)
  const foreign = await fleet.ticket({ key: (await generateKeyPair('EdDSA')).privateKey })
  const [, claims] = (await fleet.ticket()).split('.')
  const unsigned = `${Buffer.from('{"alg":"none","typ":"cd-ticket+jwt"}').toString('base64url')}.${claims}.`
  for (const ticket of [foreign, unsigned, 'rubbish']) {
    await client.run(await fleet.job(source.headSeq(), { ticket }))
    expect(reports.at(-1)?.error?.code).toBe('TICKET_INVALID')
  }
  expect(binding().headers).toEqual([])
})

test('a set that the source did not sign is not applied', async () => {
  const sourceKey = fleet.target.publicKey
  const targets = [fleet.targetConfig({ sourceKey })]
  const { port, binding } = await fleet.serve({ configuration: { targets } })
  const { client, reports } = fleet.client(port, source)
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)?.error?.code).toBe('SIGNATURE_INVALID')
  expect([binding().entries.size, binding().openSets]).toEqual([0, 0])
})

test('nothing is received without a lease', async () => {
  for (const leaseUntil of [null, '2020-01-01T00:00:00.000Z']) {
    const { port } = await fleet.serve({ configuration: { leaseUntil } })
    const { client, reports } = fleet.client(port, source)
    await client.run(await fleet.job(source.headSeq()))
    expect(reports.at(-1)).toMatchObject({ attempts: 1, error: { code: 'LEASE_EXPIRED' } })
  }
})

test('a binding that the target does not know yet is tried again', async () => {
  const { server, port, configuration, binding } = await fleet.serve({
    configuration: { targets: [] },
  })
  const { client, reports } = fleet.client(port, source)
  const job = await fleet.job(source.headSeq(), { retry: { attempts: 100, backoffMs: 20 } })
  const run = client.run(job)
  await waitFor('a refusal', () => (reports.at(-1)?.attempts ?? 0) > 0)
  server.configure({
    ...configuration,
    listen: { host: '127.0.0.1', port },
    targets: [fleet.targetConfig()],
  })
  await run
  expect(reports.at(-1)?.state).toBe('done')
  expect(binding().entries.size).toBe(3)
})

test('a server that is not there fails after its attempts, and delays nobody else', async () => {
  const { port, binding } = await fleet.serve()
  // It takes connections and never says a word.
  const mute = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const ports = { [TARGET_SERVER]: port, mute: mute.port, gone: 1 }
  const { client, reports } = fleet.client(ports, source)
  const ticket = await fleet.ticket()
  const children = ['mute', 'gone', 'unknown', TARGET_SERVER].map((serverId) =>
    jobNode({ serverId, ticket }),
  )
  const run = client.run(await fleet.job(source.headSeq(), { children }))
  const endOf = (serverId: string) =>
    reports.find((report) => report.serverId === serverId && report.state !== 'running')
  await waitFor('the good one', () => endOf(TARGET_SERVER) !== undefined)
  await waitFor('the absent ones', () => endOf('gone') !== undefined)
  await waitFor('the unknown one', () => endOf('unknown') !== undefined)
  expect(binding().entries.size).toBe(3)
  expect(endOf('gone')).toMatchObject({ attempts: 3, error: { code: 'PEER_UNREACHABLE' } })
  expect(endOf('unknown')?.error?.message).toContain('no known address')
  expect(endOf('mute')).toBeUndefined()
  client.cancel('job-1')
  await run
  expect(endOf('mute')?.error?.code).toBe('CANCELLED')
  mute.stop(true)
})

test('a target that stops in a job and comes back is tried again', async () => {
  const first = await fleet.serve()
  const { client, reports } = fleet.client(first.port, source)
  source.onOpen = () => {
    source.onOpen = null
    first.server.stop()
  }
  const run = client.run(
    await fleet.job(source.headSeq(), { retry: { attempts: 100, backoffMs: 20 } }),
  )
  await waitFor('the stop', () => source.onOpen === null)
  expect(first.binding().openSets).toBe(0)
  const listen = { host: '127.0.0.1', port: first.port }
  const second = await fleet.serve({ configuration: { ...first.configuration, listen } })
  await run
  expect(reports.at(-1)?.state).toBe('done')
  expect(reports.at(-1)?.attempts).toBeGreaterThan(1)
  expect(second.binding().entries.size).toBe(3)
})

test('an address that does not work is passed over within one attempt', async () => {
  const { port } = await fleet.serve()
  const addressesOf = () =>
    [1, port].map((each) => ({ scope: null, host: '127.0.0.1', port: each }))
  const { client, reports } = fleet.client(port, source, { addressesOf })
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ state: 'done', attempts: 1 })
})

test('a job that is cancelled ends at once and leaves nothing open', async () => {
  const { port, binding } = await fleet.serve()
  const { client, reports } = fleet.client(port, source)
  source.onOpen = () => client.cancel('job-1', { code: 'CANCELLED', message: 'enough' })
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ state: 'failed', error: { message: 'enough' } })
  expect(source.openHandles).toBe(0)
  await waitFor('the set to be dropped', () => binding().openSets === 0)
  source.onOpen = null
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)?.state).toBe('done')
})

test('a source that is not watched here, or whose journal is behind, is said so', async () => {
  const { port } = await fleet.serve()
  const unwatched = fleet.client(port, null)
  await unwatched.client.run(await fleet.job(3))
  expect(unwatched.reports.at(-1)?.error?.code).toBe('SOURCE_UNAVAILABLE')
  const sending = fleet.client(port, source)
  await sending.client.run(await fleet.job(1000))
  expect(sending.reports.at(-1)?.error?.code).toBe('JOURNAL_BEHIND')
  expect(sending.behind).toEqual(['source-1'])
  await sending.client.run(await fleet.job(3, { epoch: 'another' }))
  expect(sending.reports.at(-1)?.error?.code).toBe('SOURCE_CHANGED')
})

test('a target that cannot be opened is reported, and again when it can', async () => {
  const known = await fleet.serve()
  let error: AppError | null = new AppError('ROOT_MISSING', 'cannot open "/nowhere"')
  const { port, reports } = await fleet.serve({
    openTarget: (target) => {
      if (error !== null) throw error
      const binding = known.binding(target.bindingId)
      return { binding, isEmpty: () => true, close() {} }
    },
  })
  expect(reports).toMatchObject([{ bindingId: 'binding-1', error: { code: 'ROOT_MISSING' } }])
  const sending = fleet.client(port, source)
  await sending.client.run(await fleet.job(source.headSeq()))
  expect(sending.reports.at(-1)).toMatchObject({ attempts: 3, error: { code: 'ROOT_MISSING' } })
  error = null
  await sending.client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ error: null, watermark: { seq: 3 } })
})

/** A connection of the source agent that has said hello and then does what the test does. */
async function greeted(port: number, identity = fleet.source) {
  const address = { host: '127.0.0.1', port, serverId: TARGET_SERVER }
  const connection = await dial({ ...address, identity })
  const frames: Frame[] = []
  const closed = Promise.withResolvers<void>()
  connection.handle({ frame: (frame) => frames.push(frame), closed: () => closed.resolve() })
  connection.send({ type: 'hello', hello: { protocol: DATA_PROTOCOL, agentVersion: '0' } })
  await waitFor('a hello', () => frames.length > 0)
  return { connection, frames, closed: closed.promise }
}

test('a binding receives from one sender at a time; one that comes again takes over', async () => {
  const other = '00000000-0000-4000-8000-000000000003'
  const peers = [SOURCE_PEER, { serverId: other, name: 'other', addresses: [] }]
  const { port, binding } = await fleet.serve({ configuration: { peers } })
  const identity = await fleet.authority.issue(other)
  const ticket = await fleet.ticket({ claims: { senders: [SOURCE_SERVER, other] } })
  const lost = await greeted(port)
  const open = { jobId: 'job-1', ticket, bindingId: 'binding-1', sourceId: 'source-1' }
  lost.connection.send({
    type: 'open',
    open: { ...open, epoch: 'epoch-1', to: 3, compression: 1, children: [] },
  })
  await waitFor('the job to be open', () => lost.frames.at(-1)?.type === 'opened')
  const busy = fleet.client(port, source, { identity: () => identity, serverId: other })
  await busy.client.run(await fleet.job(3, { ticket, retry: { attempts: 2, backoffMs: 1 } }))
  expect(busy.reports.at(-1)).toMatchObject({ attempts: 2, error: { code: 'BINDING_BUSY' } })
  const again = fleet.client(port, source)
  await again.client.run(await fleet.job(3, { ticket }))
  expect(again.reports.at(-1)?.state).toBe('done')
  expect(binding().entries.size).toBe(3)
  expect(lost.frames.at(-1)).toMatchObject({ type: 'error', error: { code: 'BINDING_BUSY' } })
})

test('whoever is no peer any more gets nothing in, whatever its ticket says', async () => {
  const { server, port, configuration, binding } = await fleet.serve()
  server.configure({ ...configuration, listen: { host: '127.0.0.1', port }, peers: [] })
  const { client, reports } = fleet.client(port, source)
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ attempts: 1, error: { code: 'PEER_UNTRUSTED' } })
  expect(binding().entries.size).toBe(0)
})

test('a binding that is changed or taken away in a job gives the job up', async () => {
  const { server, port, configuration, binding } = await fleet.serve()
  const { client, reports } = fleet.client(port, source)
  const listen = { host: '127.0.0.1', port }
  source.onOpen = () => {
    source.onOpen = null
    server.configure({ ...configuration, listen, targets: [] })
  }
  await client.run(await fleet.job(source.headSeq(), { retry: { attempts: 1, backoffMs: 1 } }))
  expect(reports.at(-1)?.error?.code).toBe('BINDING_UNKNOWN')
  expect([binding().entries.size, binding().openSets]).toEqual([0, 0])
})

test('a peer that breaks the rules is cut off with PROTOCOL, and others do not notice', async () => {
  const { port } = await fleet.serve()
  const frames: readonly Frame[] = [
    { type: 'jobEnd' },
    { type: 'hello', hello: { protocol: DATA_PROTOCOL, agentVersion: '0' } },
    { type: 'fileData', block: { compression: 'none', plainBytes: 0, bytes: new Uint8Array() } },
  ]
  const codes: (string | undefined)[] = []
  for (const frame of frames) {
    const peer = await greeted(port)
    peer.connection.send(frame)
    await peer.closed
    const last = peer.frames.at(-1)
    codes.push(last?.type === 'error' ? last.error.code : last?.type)
  }
  expect(codes).toEqual(['PROTOCOL', 'PROTOCOL', 'PROTOCOL'])
  const { client, reports } = fleet.client(port, source)
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)?.state).toBe('done')
})
