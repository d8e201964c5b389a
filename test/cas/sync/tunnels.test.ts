import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { type Socket, connect } from 'node:net'

import { TUNNELS_PER_PEER_MAX } from '../../../src/core/base/limits.ts'
import type { ReachReport } from '../../../src/core/wire/sync-server.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { RelayFleet, chain, serverId } from '../../fakes/relay-fleet.ts'
import { type Job, SOURCE_SERVER, TARGET_SERVER, jobNode } from '../../fakes/sync-fleet.ts'
import { OTHER_SERVER, QUICK, TunnelScene, peerOf } from '../../fakes/tunnel-scene.ts'
import { waitFor } from '../../fakes/wait-for.ts'

// A target that nobody can connect to, reached by the connection that it keeps to the source's server.

let scene: TunnelScene
let source: MemorySource
const locals: Socket[] = []

beforeEach(async () => {
  scene = await TunnelScene.open()
  source = new MemorySource()
})
afterEach(async () => {
  for (const local of locals.splice(0)) local.destroy()
  await scene.stop()
})

type Hop = Job['children'][number]['hop']

/** Sends everything to the target; gives the last report. */
async function send(hop: Partial<Hop> = {}, { hopKey = '', attempts = 3 } = {}) {
  const { client, reports } = scene.fleet.client(0, source, {
    addressesOf: scene.addressesOf,
    hopKeyOf: () => hopKey || null,
  })
  const node = jobNode({ ticket: await scene.fleet.ticket() })
  const children = [{ ...node, hop: { ...node.hop, ...hop } }]
  const retry = { attempts, backoffMs: 10 }
  await client.run(await scene.fleet.job(source.headSeq(), { children, retry }))
  return reports.at(-1)
}

/** A program on the source's host that connects to a port. */
function knock(port: number): { isClosed: () => boolean; received: () => Buffer; local: Socket } {
  let isClosed = false
  const received: Buffer[] = []
  const local = connect(port, '127.0.0.1')
  local.on('error', () => undefined)
  local.on('data', (bytes: Buffer) => void received.push(bytes))
  local.on('close', () => (isClosed = true))
  locals.push(local)
  return { isClosed: () => isClosed, received: () => Buffer.concat(received), local }
}

test('what is sent arrives, with TLS and without, and what comes later too', async () => {
  const hopKey = randomBytes(32).toString('base64')
  const address = { scope: null, host: '127.0.0.1', port: scene.line.port }
  const peers = [peerOf(SOURCE_SERVER, { addresses: [address], hopKey })]
  const target = await scene.dialOut({ configuration: { peers } })
  source.write('a', 'through a tunnel')
  expect(await send()).toMatchObject({ state: 'done', attempts: 1, via: SOURCE_SERVER })
  source.write('b', randomBytes(3_000_000).toString('latin1'))
  expect(await send({ tls: false, compression: 0 }, { hopKey })).toMatchObject({ state: 'done' })
  source.write('a', 'changed')
  expect(await send()).toMatchObject({ state: 'done', attempts: 1 })
  const listing = target.binding().listing()
  expect(listing).toContain('a changed')
  expect(listing).toHaveLength(2)
})

test('a sender waits a little for a server that is coming back, and then says what is missing', async () => {
  source.write('a', 'x')
  const sending = send()
  await Bun.sleep(100)
  await scene.dialOut()
  expect(await sending).toMatchObject({ state: 'done', attempts: 1 })
  scene.target?.server.stop()
  await waitFor('the way to be gone', () => scene.wayTo(TARGET_SERVER) === null)
  const error = { code: 'PEER_UNREACHABLE', message: expect.stringContaining('tells no address') }
  expect(await send({}, { attempts: 1 })).toMatchObject({ state: 'failed', error })
})

test('a registration lost in mid-transfer costs an attempt and not the job', async () => {
  const target = await scene.dialOut()
  source.write('a', randomBytes(2_000_000).toString('latin1'))
  const sending = send({ compression: 0, rateBytesPerS: 2_000_000 })
  await waitFor('content', () => target.binding().openSets > 0)
  scene.line.cut()
  expect(await sending).toMatchObject({ state: 'done', attempts: 2 })
  expect(target.binding().listing()).toHaveLength(1)
})

test('a line that died without a word is noticed at both ends, and another one taken', async () => {
  await scene.dialOut()
  const before = scene.line.connectionCount
  scene.line.forget()
  await waitFor('another registration', () => scene.line.connectionCount > before)
  await scene.registered()
  source.write('a', 'x')
  expect(await send()).toMatchObject({ state: 'done' })
})

test('a registration in use lives on signs of life alone', async () => {
  await scene.dialOut()
  const before = scene.wayTo(TARGET_SERVER)
  await Bun.sleep(QUICK.aliveMs * (QUICK.missedMax + 2))
  expect(scene.wayTo(TARGET_SERVER)).toBe(before)
  expect(scene.line.connectionCount).toBe(1)
})

test('a tunnel is taken from the server that was asked for it, and once', async () => {
  const { authority, target: identity } = scene.fleet
  const other = await authority.issue(OTHER_SERVER)
  const registration = await scene.speak(identity, { type: 'await' })
  await scene.speak(other, { type: 'await' })
  const port = await scene.registered()
  const { local, received, isClosed } = knock(port)
  await waitFor('the question', () => registration.frames.length > 0)
  const [dial] = registration.frames
  if (dial?.type !== 'dial') throw new Error('nobody was dialled')
  const { token } = dial
  const bring = (by: typeof identity) => scene.speak(by, { type: 'tunnel', token })
  const untrusted = { type: 'error', error: { code: 'PEER_UNTRUSTED' } }
  const stolen = await bring(other)
  await waitFor('the refusal', () => stolen.closed() !== undefined)
  expect(stolen.frames).toMatchObject([untrusted])
  const tunnel = await bring(identity)
  local.write('hello')
  await waitFor('bytes', () => tunnel.frames.length > 0)
  expect(tunnel.frames).toMatchObject([{ type: 'tunnelBytes', bytes: Buffer.from('hello') }])
  tunnel.connection.send({ type: 'tunnelBytes', bytes: Buffer.from('welcome') })
  await waitFor('the answer', () => received().toString() === 'welcome')
  const again = await bring(identity)
  await waitFor('the refusal', () => again.closed() !== undefined)
  expect(again.frames).toMatchObject([untrusted])
  tunnel.connection.close()
  await waitFor('the end', isClosed)
})

test.each([
  ['a frame of a job', { type: 'jobEnd' }],
  ['another registration on the same connection', { type: 'await' }],
  ['bytes outside of a tunnel', { type: 'tunnelBytes', bytes: new Uint8Array(1) }],
] as const)('a registration ends with %s', async (_what, frame) => {
  const { connection, closed } = await scene.speak(scene.fleet.target, { type: 'await' })
  const port = await scene.registered()
  connection.send(frame)
  await waitFor('the end', () => closed() !== undefined)
  expect(scene.wayTo(TARGET_SERVER)).toBeNull()
  await waitFor('nobody to listen', knock(port).isClosed)
})

test('only peers register, and what they have here ends when they are none any more', async () => {
  const stranger = await scene.fleet.authority.issue('00000000-0000-4000-8000-000000000009')
  const refused = await scene.speak(stranger, { type: 'await' })
  await waitFor('the refusal', () => refused.closed() !== undefined)
  expect(refused.frames).toMatchObject([{ type: 'error', error: { code: 'PEER_UNTRUSTED' } }])
  await scene.dialOut()
  source.write('a', randomBytes(2_000_000).toString('latin1'))
  const sending = send({ compression: 0, rateBytesPerS: 1_000_000 }, { attempts: 1 })
  await waitFor('content', () => (scene.target?.binding().openSets ?? 0) > 0)
  scene.peers([])
  await waitFor('the way to be gone', () => scene.wayTo(TARGET_SERVER) === null)
  expect((await sending)?.state).toBe('failed')
  scene.peers([peerOf(TARGET_SERVER)])
  await scene.registered()
  expect(await send()).toMatchObject({ state: 'done' })
})

test('who brings no tunnel in time lets nobody wait, and not too many wait', async () => {
  const { frames } = await scene.speak(scene.fleet.target, { type: 'await' })
  const port = await scene.registered()
  const knocks = Array.from({ length: TUNNELS_PER_PEER_MAX + 3 }, () => knock(port))
  await waitFor('the one too many', () => knocks.filter((one) => one.isClosed()).length === 3)
  expect(frames).toHaveLength(TUNNELS_PER_PEER_MAX)
  expect(new Set(frames.map((frame) => JSON.stringify(frame))).size).toBe(TUNNELS_PER_PEER_MAX)
  await waitFor('the others', () => knocks.every((one) => one.isClosed()))
})

test('a newer registration takes the place of the one before', async () => {
  const first = await scene.speak(scene.fleet.target, { type: 'await' })
  const port = await scene.registered()
  const second = await scene.speak(scene.fleet.target, { type: 'await' })
  await waitFor('the end of the first', () => first.closed() !== undefined)
  await waitFor('another way', () => ![port, null].includes(scene.wayTo(TARGET_SERVER)))
  knock(await scene.registered())
  await waitFor('the question', () => second.frames.some(({ type }) => type === 'dial'))
})

test('who may not register tries again with growing pauses, until it may', async () => {
  scene.peers([])
  const dialling = scene.dialOut()
  await waitFor('some attempts', () => scene.line.connectionCount >= 3)
  scene.peers([peerOf(TARGET_SERVER)])
  await dialling
  source.write('a', 'x')
  expect(await send()).toMatchObject({ state: 'done' })
})

test('with other peers, registrations that are still wanted stay', async () => {
  const target = await scene.dialOut()
  const { configuration, port, server } = target
  const listen = { host: '127.0.0.1', port }
  server.configure({ ...configuration, listen, peers: [...configuration.peers, peerOf('another')] })
  source.write('a', 'x')
  expect(await send()).toMatchObject({ state: 'done', attempts: 1 })
  expect(scene.line.connectionCount).toBe(2)
  server.configure({ ...configuration, listen, dialsOut: false })
  await waitFor('the way to be gone', () => scene.wayTo(TARGET_SERVER) === null)
})

test('a server passes a stream on to one that only dials out', async () => {
  const relays = new RelayFleet(scene.fleet)
  const waysTold: number[] = []
  const onReach = ({ ways }: ReachReport) => void waysTold.push(ways.length)
  await relays.start(2, (number) => (number === 1 ? { onReach } : {}))
  const [relay, child] = [relays.at(1), relays.at(2)]
  const listen = (port: number) => ({ listen: { host: '127.0.0.1', port } })
  const relayConfiguration = { ...relay.configuration, ...listen(relay.port) }
  const known = [SOURCE_SERVER, serverId(2)].map((id) => peerOf(id))
  relay.server.configure({ ...relayConfiguration, peers: known })
  const address = { scope: null, host: '127.0.0.1', port: relay.port }
  const peers = [peerOf(serverId(1), { addresses: [address] })]
  const configuration = { ...child.configuration, ...listen(child.port), peers, dialsOut: true }
  child.server.configure(configuration)
  await waitFor('the registration', () => waysTold.at(-1) === 1)
  source.write('a', 'passed on')
  const { client } = scene.fleet.client(relays.ports, source)
  const children = [await relays.node(chain(1, 2))]
  await client.run({ ...(await scene.fleet.job(source.headSeq())), children })
  await relays.settled()
  expect(child.binding().listing()).toEqual(['a passed on'])
  expect(relay.relayed.at(-1)).toMatchObject({ serverId: serverId(2), state: 'done' })
})
