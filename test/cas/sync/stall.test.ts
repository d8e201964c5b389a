import { afterEach, beforeEach, expect, test } from 'bun:test'

import { DATA_PROTOCOL, type Frame } from '../../../src/core/wire/frame.ts'
import type { DataConnection } from '../../../src/platform/data-connection.ts'
import { dial } from '../../../src/platform/data-dial.ts'
import { listen } from '../../../src/platform/data-listen.ts'
import { frameBytes } from '../../fakes/frame-bytes.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { SyncFleet, TARGET_SERVER } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

let fleet: SyncFleet
let source: MemorySource

beforeEach(async () => {
  fleet = await SyncFleet.make()
  source = new MemorySource()
  source.write('a', 'alpha')
})
afterEach(() => fleet.stop())

const hello: Frame = { type: 'hello', hello: { protocol: DATA_PROTOCOL, agentVersion: '0' } }

/** Plays a receiver that answers what the test lets it. */
function puppet(answer: (frame: Frame, connection: DataConnection) => void) {
  const connections: DataConnection[] = []
  const listener = listen({
    host: '127.0.0.1',
    port: 0,
    identity: fleet.target,
    accepted(connection) {
      connections.push(connection)
      connection.handle({ frame: (frame) => answer(frame, connection), closed() {} })
    },
    refused() {},
  })
  return { port: listener.port, connections, stop: () => listener.stop() }
}

const accepted: Frame = {
  type: 'opened',
  opened: { outcome: 'accepted', watermark: null, pending: [], content: 'push' },
}

test('a target that says nothing more in a job is given up and tried again', async () => {
  const receiver = puppet((frame, connection) => {
    if (frame.type === 'hello') connection.send(hello)
    if (frame.type === 'open') connection.send(accepted)
  })
  const times = { stallMs: 50, relayStallMs: 50, idleMs: 1000, aliveMs: 1000 }
  const { client, reports } = fleet.client(receiver.port, source, { times })
  await client.run(await fleet.job(source.headSeq(), { retry: { attempts: 2, backoffMs: 1 } }))
  expect(reports.at(-1)).toMatchObject({ attempts: 2, error: { code: 'PEER_UNREACHABLE' } })
  expect(reports.at(-1)?.error?.message).toContain('stalled for 50 ms')
  expect(receiver.connections).toHaveLength(2)
  receiver.stop()
})

test('a target that answers what was not asked is cut off at the first attempt', async () => {
  const answers: readonly Frame[] = [
    accepted,
    { type: 'jobEnd' },
    { type: 'wanted', wanted: [true] },
    {
      type: 'setDone',
      done: { watermark: null, pendingCount: 0, appliedCount: 0, failedCount: 0 },
    },
    { type: 'fileBegin', index: 0 },
  ]
  for (const wrong of answers) {
    const receiver = puppet((frame, connection) => {
      if (frame.type === 'hello') connection.send(hello)
      if (frame.type !== 'open') return
      connection.send(wrong === accepted ? accepted : wrong)
      connection.send(wrong)
    })
    const { client, reports } = fleet.client(receiver.port, source)
    await client.run(await fleet.job(source.headSeq()))
    expect(reports.at(-1)).toMatchObject({ attempts: 1, error: { code: 'PROTOCOL' } })
    receiver.stop()
  }
})

test('a job to a target that does not read can be cancelled', async () => {
  const { key, certificate, authority } = fleet.target
  const answers = [hello, accepted].map(frameBytes)
  const mute = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    tls: { key, cert: certificate, ca: authority, requestCert: true },
    socket: {
      data(socket) {
        const answer = answers.shift()
        if (answer) socket.write(answer)
        if (answers.length === 0) socket.pause()
      },
    },
  })
  source.write('large', crypto.getRandomValues(new Uint8Array(65_536)).toHex().repeat(500))
  const { client, reports } = fleet.client(mute.port, source)
  const run = client.run(await fleet.job(source.headSeq()))
  let before = 0
  await waitFor('the socket to be full', () => {
    const isFull = source.reads > 0 && source.reads === before
    before = source.reads
    return isFull
  })
  client.cancel('job-1')
  await run
  expect(reports.at(-1)?.error?.code).toBe('CANCELLED')
  expect(source.openHandles).toBe(0)
  mute.stop(true)
})

test('a target of another protocol is said so', async () => {
  const receiver = puppet((frame, connection) => {
    if (frame.type === 'hello')
      connection.send({ type: 'hello', hello: { protocol: 99, agentVersion: '9' } })
  })
  const { client, reports } = fleet.client(receiver.port, source)
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ attempts: 1, error: { code: 'INCOMPATIBLE' } })
  receiver.stop()
})

test('a sender that says nothing loses its connection: before hello, between jobs and within one', async () => {
  const { port, binding } = await fleet.serve({
    times: { greetingMs: 40, idleMs: 80, stallMs: 60 },
  })
  const ticket = await fleet.ticket()
  const open = { jobId: 'job-1', ticket, bindingId: 'binding-1', sourceId: 'source-1' }
  const scripts: readonly (readonly Frame[])[] = [
    [],
    [hello],
    [
      hello,
      { type: 'open', open: { ...open, epoch: 'epoch-1', to: 1, compression: 1, children: [] } },
    ],
  ]
  for (const script of scripts) {
    const identity = fleet.source
    const connection = await dial({ host: '127.0.0.1', port, serverId: TARGET_SERVER, identity })
    const frames: Frame[] = []
    const closed = Promise.withResolvers<void>()
    connection.handle({ frame: (frame) => frames.push(frame), closed: () => closed.resolve() })
    for (const [index, frame] of script.entries()) {
      connection.send(frame)
      await waitFor('an answer', () => frames.length === index + 1)
    }
    await closed.promise
  }
  expect(binding().openSets).toBe(0)
  // The binding is free again.
  const { client, reports } = fleet.client(port, source)
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)?.state).toBe('done')
})

test('long work on the source is no stall: it gives signs of life', async () => {
  const { port } = await fleet.serve({ times: { greetingMs: 1000, idleMs: 1000, stallMs: 100 } })
  source.write('large', 'x'.repeat(3 << 20))
  const times = { stallMs: 100, relayStallMs: 100, idleMs: 1000, aliveMs: 10 }
  const sending = fleet.client(port, source, { times })
  await sending.client.run(await fleet.job(source.headSeq()))
  // Every chunk takes long from now on; the file was renamed, so it is hashed before anything is said about it.
  source.rename('large', 'larger')
  const open = source.tree.open.bind(source.tree)
  source.tree.open = (path) => {
    const handle = open(path)
    if (handle === null) return null
    const read: typeof handle.read = (buffer, position) => {
      Bun.sleepSync(20)
      return handle.read(buffer, position)
    }
    return { ...handle, read }
  }
  await sending.client.run(await fleet.job(source.headSeq()))
  expect(sending.reports.at(-1)).toMatchObject({ state: 'done', attempts: 1 })
})

test('a new certificate is used from the next connection on; those that are there go on', async () => {
  const { server, port, configuration, binding } = await fleet.serve()
  const sending = fleet.client(port, source)
  await sending.client.run(await fleet.job(source.headSeq()))
  const identity = await fleet.authority.issue(TARGET_SERVER)
  const renewed = { ...configuration, identity, listen: { host: '127.0.0.1', port } }
  expect(server.configure(renewed)).toBe(port)
  source.write('a', 'beta')
  const another = fleet.client(port, source)
  await sending.client.run(await fleet.job(source.headSeq()))
  await another.client.run(await fleet.job(source.headSeq()))
  expect(binding().listing()).toEqual(['a beta'])
  for (const { reports } of [sending, another])
    expect(reports.at(-1)).toMatchObject({ state: 'done', attempts: 1 })
})
