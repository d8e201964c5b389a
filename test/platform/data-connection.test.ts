import { afterEach, beforeAll, expect, test } from 'bun:test'

import type { AppError } from '../../src/core/base/errors.ts'
import type { Failure } from '../../src/core/base/result.ts'
import { agentServerName, agentUri } from '../../src/core/wire/enrolment.ts'
import type { Frame } from '../../src/core/wire/frame.ts'
import type { DataConnection } from '../../src/platform/data-connection.ts'
import { dial } from '../../src/platform/data-dial.ts'
import { type DataListener, listen } from '../../src/platform/data-listen.ts'
import type { TlsIdentity } from '../../src/platform/tls-identity.ts'
import { type TestAuthority, type TestIdentity, makeAuthority } from '../fakes/test-authority.ts'

const SERVER = '00000000-0000-4000-8000-00000000000a'
const CLIENT = '00000000-0000-4000-8000-00000000000b'

let authority: TestAuthority
let foreign: TestAuthority
let server: TestIdentity
let client: TestIdentity
const listeners: DataListener[] = []

beforeAll(async () => {
  authority = await makeAuthority()
  foreign = await makeAuthority()
  server = await authority.issue(SERVER)
  client = await authority.issue(CLIENT)
})
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.stop()
})

interface End {
  readonly connection: DataConnection
  readonly frames: Frame[]
  readonly closed: Promise<Failure | null>
  next(count: number): Promise<void>
}

function watch(connection: DataConnection, onFrame: (frame: Frame) => void = () => {}): End {
  const frames: Frame[] = []
  const closed = Promise.withResolvers<Failure | null>()
  let awaited = { count: 0, reached: () => {} }
  connection.handle({
    frame(frame) {
      frames.push(frame)
      onFrame(frame)
      if (frames.length >= awaited.count) awaited.reached()
    },
    closed: (failure) => closed.resolve(failure),
  })
  const next = (count: number) =>
    new Promise<void>((reached) => {
      awaited = { count, reached }
      if (frames.length >= count) reached()
    })
  return { connection, frames, closed: closed.promise, next }
}

function serve(
  onFrame?: (frame: Frame) => void,
  identity: TlsIdentity = server,
): { port: number; accepted: Promise<End>; refusals: string[] } {
  const { promise, resolve } = Promise.withResolvers<End>()
  const refusals: string[] = []
  const listener = listen({
    host: '127.0.0.1',
    port: 0,
    identity,
    accepted: (connection) => resolve(watch(connection, onFrame)),
    refused: (reason) => refusals.push(reason),
  })
  listeners.push(listener)
  return { port: listener.port, accepted: promise, refusals }
}

const to = (port: number, identity: TlsIdentity = client, serverId = SERVER) =>
  dial({ host: '127.0.0.1', port, serverId, identity })

const data = (bytes: Uint8Array): Frame => ({
  type: 'fileData',
  block: { compression: 'none', plainBytes: bytes.length, bytes },
})

test('both sides know each other by their certificates', async () => {
  const { port, accepted } = serve()
  const mine = watch(await to(port))
  mine.connection.send({ type: 'jobEnd' })
  const theirs = await accepted
  await theirs.next(1)
  expect([mine.connection.peerId, theirs.connection.peerId]).toEqual([SERVER, CLIENT])
  expect(theirs.frames).toEqual([{ type: 'jobEnd' }])
  mine.connection.close()
  expect(await mine.closed).toBeNull()
  expect((await theirs.closed)?.code).toBe('PEER_UNREACHABLE')
})

test('a client without a certificate, or of another authority, sends nothing', async () => {
  const stranger = { ...(await foreign.issue(CLIENT)), authority: authority.pem }
  const nameless = { ...(await authority.issue(CLIENT, { uris: [] })) }
  const twofold = await authority.issue(CLIENT, { uris: [agentUri(CLIENT), agentUri(SERVER)] })
  const other = await authority.issue(CLIENT, { uris: ['urn:cd:master:1'] })
  for (const identity of [stranger, nameless, twofold, other]) {
    const { port, refusals } = serve(() => {
      throw new Error('a frame of a stranger was taken')
    })
    // TLS 1.3: the client is done before the server has judged it, so either the dial fails or the connection ends.
    const end = await to(port, identity).then(
      async (connection) => {
        const mine = watch(connection)
        connection.send({ type: 'jobEnd' })
        return (await mine.closed)?.code
      },
      (thrown: { code: string }) => thrown.code,
    )
    expect(['PEER_UNREACHABLE', 'PEER_UNTRUSTED']).toContain(end ?? '')
    expect(refusals).toHaveLength(1)
  }
})

test('a client does not talk to a server of another authority or another id', async () => {
  const cases: [TlsIdentity, string][] = [
    [{ ...(await foreign.issue(SERVER)), authority: authority.pem }, SERVER],
    [server, CLIENT],
    // Issued to another agent that claims the DNS name.
    [await authority.issue(SERVER, { uris: [agentUri(CLIENT)] }), SERVER],
  ]
  for (const [identity, serverId] of cases) {
    const { port } = serve(undefined, identity)
    const refused = to(port, client, serverId).catch((thrown: AppError) => thrown.code)
    expect(await refused).toBe('PEER_UNTRUSTED')
  }
})

test('a client that shows no certificate at all is turned away', async () => {
  const { port, refusals } = serve()
  const closed = Promise.withResolvers<void>()
  await Bun.connect({
    hostname: '127.0.0.1',
    port,
    tls: { ca: authority.pem, serverName: agentServerName(SERVER) },
    socket: {
      data: () => {},
      handshake: (socket) => void socket.write('x'),
      close: () => closed.resolve(),
    },
  })
  await closed.promise
  expect(refusals).toHaveLength(1)
})

test('a peer that speaks no TLS is turned away', async () => {
  const { port, refusals } = serve()
  const closed = Promise.withResolvers<void>()
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: { data: () => {}, close: () => closed.resolve() },
  })
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await closed.promise
  expect(refusals).toHaveLength(1)
})

test('every byte arrives in order where the receiver is slower than the sender', async () => {
  let received = 0
  const seen: number[] = []
  const { port, accepted } = serve((frame) => {
    if (frame.type !== 'fileData') return
    if (seen.length % 3 === 0) Bun.sleepSync(1)
    const { bytes } = frame.block
    // Long content comes in parts.
    const [first, last] = [bytes[0] ?? -1, bytes.at(-1)]
    expect(last).toBe(first)
    if (seen.at(-1) !== first) seen.push(first)
    received += bytes.length
  })
  const mine = watch(await to(port))
  let mostQueued = 0
  for (let sent = 0; sent < 200; sent++) {
    mine.connection.send(data(new Uint8Array(sent % 3 === 0 ? 300_000 : 500).fill(sent % 256)))
    if (!mine.connection.hasRoom) mostQueued++
    await mine.connection.room()
  }
  mine.connection.close()
  const theirs = await accepted
  await theirs.closed
  expect(received).toBe(67 * 300_000 + 133 * 500)
  expect(seen).toEqual(Array.from({ length: 200 }, (_, sent) => sent))
  expect(theirs.connection.bytesOnWire).toBe(received + 200 * 10)
  expect(mostQueued).toBeGreaterThan(0)
})

test('content may be overwritten once there is room again, and is never copied before', async () => {
  let received = 0
  const { port, accepted } = serve((frame) => {
    if (frame.type !== 'fileData') return
    Bun.sleepSync(2)
    const { bytes } = frame.block
    const from = received % 1_000_000
    const expected = Buffer.alloc(1_000_000, Math.floor(received / 1_000_000))
    // Parts end where a frame does.
    expect(expected.subarray(from, from + bytes.length).equals(bytes)).toBe(true)
    received += bytes.length
  })
  const mine = watch(await to(port))
  const buffer = new Uint8Array(1_000_000)
  let waits = 0
  for (let sent = 0; sent < 100; sent++) {
    mine.connection.send(data(buffer.fill(sent % 256)))
    if (!mine.connection.hasRoom) waits++
    await mine.connection.room()
  }
  mine.connection.close()
  await (
    await accepted
  ).closed
  expect(received).toBe(100_000_000)
  expect(waits).toBeGreaterThan(0)
})

test('what a handler throws is told to the peer', async () => {
  const { port, accepted } = serve(() => {
    throw new Error('the handler broke')
  })
  const mine = watch(await to(port))
  mine.connection.send({ type: 'jobEnd' })
  await mine.next(1)
  expect(mine.frames[0]).toEqual({
    type: 'error',
    error: { code: 'INTERNAL', message: 'the handler broke' },
  })
  expect((await (await accepted).closed)?.code).toBe('INTERNAL')
})

test('a connection on which nothing moves is given up', async () => {
  const { port, accepted } = serve()
  const mine = watch(await to(port))
  await accepted
  mine.connection.expectWithin(20)
  expect((await mine.closed)?.message).toContain('stalled for 20 ms')
})

test('a port that is taken and a port where nobody listens are said clearly', async () => {
  const { port } = serve()
  const again = () =>
    listen({ host: '127.0.0.1', port, identity: server, accepted() {}, refused() {} })
  expect(again).toThrow(`cannot listen on 127.0.0.1:${port}: the port is in use`)
  for (const listener of listeners.splice(0)) listener.stop()
  expect(await to(port).catch((thrown: AppError) => thrown.code)).toBe('PEER_UNREACHABLE')
})

test('a server that goes away before the handshake is unreachable, not untrusted', async () => {
  for (const leave of ['end', 'terminate'] as const) {
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: () => {}, open: (socket) => void socket[leave]() },
    })
    const lost = await to(server.port, client).catch((thrown: AppError) => thrown.code)
    server.stop(true)
    expect(lost).toBe('PEER_UNREACHABLE')
  }
})
