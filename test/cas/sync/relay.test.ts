import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { type Socket, connect, createServer } from 'node:net'

import { hashBytes } from '../../../src/platform/hash.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { RelayFleet, type TreeNode, chain, serverId } from '../../fakes/relay-fleet.ts'
import { SOURCE_SERVER } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

let relays: RelayFleet
let source: MemorySource

beforeEach(async () => {
  relays = await RelayFleet.make()
  source = new MemorySource()
  source.folder('d')
  source.write('d/a', 'alpha')
  source.write('d/b', 'x'.repeat(300_000))
})
afterEach(() => relays.fleet.stop())

const CONTENT = ['d directory', 'd/a alpha', `d/b ${'x'.repeat(300_000)}`]

/** Sends along a tree, once, until the source is done; gives what it told. */
async function sendOnly(tree: TreeNode) {
  const { client, reports } = relays.fleet.client(relays.ports, source)
  const retry = { attempts: 1, backoffMs: 1 }
  const job = await relays.fleet.job(source.headSeq(), { retry })
  await client.run({ ...job, children: [await relays.node(tree)] })
  return reports
}

/** The same, until everything is passed on. */
async function send(tree: TreeNode) {
  const reports = await sendOnly(tree)
  await relays.settled()
  return reports
}

/** The last word on each server, by whoever told it. */
function told(reports: readonly { serverId: string; state: string; error: unknown }[]) {
  return new Map(reports.map((report) => [report.serverId, report]))
}

function listingOf(number: number): string[] {
  return relays.at(number).binding().listing()
}

test('a chain of three gets everything, and the source sends once', async () => {
  await relays.start(3)
  const reports = await send(chain(1, 2, 3))
  for (const number of [1, 2, 3]) expect(listingOf(number)).toEqual(CONTENT)
  expect(reports.filter(({ state }) => state === 'done')).toMatchObject([
    { serverId: serverId(1), via: SOURCE_SERVER, entriesApplied: 3 },
  ])
  const done = { via: serverId(1), state: 'done', entriesApplied: 3, entriesFailed: 0, error: null }
  expect(relays.at(1).relayed.at(-1)).toMatchObject({ ...done, serverId: serverId(2) })
  expect(relays.at(2).relayed.at(-1)).toMatchObject({ state: 'done', serverId: serverId(3) })
})

test('levels differ from hop to hop', async () => {
  await relays.start(3)
  const leaves = { number: 2, compression: 0, children: [{ number: 3, compression: 9 }] }
  await send({ number: 1, compression: 3, children: [leaves] })
  for (const number of [1, 2, 3]) expect(listingOf(number)).toEqual(CONTENT)
  const bytes = (number: number) => relays.at(number).relayed.at(-1)?.bytesOnWire ?? 0
  expect(bytes(1)).toBeGreaterThan(300_000)
  expect(bytes(2)).toBeLessThan(10_000)
})

test('changes follow where all are at the same place; content passes through that only a child lacks', async () => {
  await relays.start(2)
  await send(chain(1, 2))
  relays.at(2).binding().contents.clear()
  source.rename('d/b', 'd/c')
  source.write('d/a', 'beta')
  await send(chain(1, 2))
  const now = ['d directory', 'd/a beta', `d/c ${'x'.repeat(300_000)}`]
  for (const number of [1, 2]) expect(listingOf(number)).toEqual(now)
})

test('a child that is elsewhere is dropped, and nobody notices', async () => {
  await relays.start(3)
  await send(chain(1))
  source.write('d/a', 'beta')
  await send({ number: 1, children: [{ number: 2 }] })
  expect(listingOf(1)).toContain('d/a beta')
  expect(listingOf(2)).toEqual([])
  expect(relays.at(1).relayed.at(-1)).toMatchObject({
    serverId: serverId(2),
    state: 'failed',
    error: { code: 'RELAY_UNFIT' },
  })
})

test('a child whose ticket is for others gets nothing; its sibling gets all', async () => {
  await relays.start(3)
  const ticket = { claims: { senders: [SOURCE_SERVER] } }
  const reports = await send({ number: 1, children: [{ number: 2, ticket }, { number: 3 }] })
  expect(listingOf(2)).toEqual([])
  expect(listingOf(3)).toEqual(CONTENT)
  const last = told(relays.at(1).relayed)
  expect(last.get(serverId(2))).toMatchObject({ state: 'failed', error: { code: 'RELAY_DROPPED' } })
  expect(last.get(serverId(3))).toMatchObject({ state: 'done' })
  expect(reports.at(-1)).toMatchObject({ serverId: serverId(1), state: 'done' })
})

test('a child that is not there is dropped with all below it', async () => {
  await relays.start(1)
  await send(chain(1, 2, 3))
  expect(listingOf(1)).toEqual(CONTENT)
  const last = told(relays.at(1).relayed)
  for (const number of [2, 3])
    expect(last.get(serverId(number))).toMatchObject({ error: { code: 'RELAY_DROPPED' } })
})

test('a child that never says a word is dropped in time, and delays its siblings no longer', async () => {
  const mute = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  await relays.start(2, {}, { [serverId(9)]: mute.port })
  const startedMs = performance.now()
  await send({ number: 1, children: [{ number: 9 }, { number: 2 }] })
  mute.stop(true)
  expect(performance.now() - startedMs).toBeLessThan(3000)
  for (const number of [1, 2]) expect(listingOf(number)).toEqual(CONTENT)
  expect(told(relays.at(1).relayed).get(serverId(9))).toMatchObject({ state: 'failed' })
})

test('what is below a relay that goes in the middle is told as dropped, and can be served directly', async () => {
  await relays.start(3)
  for (let file = 0; file < 40; file++) source.write(`d/${file}`, `${file}`.repeat(400_000))
  const sending = send({ number: 1, compression: 0, children: [chain(2, 3)] })
  await waitFor('content', () => relays.at(2).binding().openSets > 0)
  relays.at(1).server.stop()
  const reports = await sending
  const last = told(reports)
  expect(last.get(serverId(1))).toMatchObject({ state: 'failed' })
  for (const number of [2, 3]) {
    expect(last.get(serverId(number))).toMatchObject({ error: { code: 'RELAY_DROPPED' } })
    await waitFor('the end of the stream', () => relays.at(number).binding().openSets === 0)
    expect(listingOf(number)).toEqual([])
  }
  expect((await send(chain(2, 3))).at(-1)).toMatchObject({ state: 'done' })
  expect(listingOf(3)).toHaveLength(43)
})

test('a list that was broken off at one of them names to all what has left since', async () => {
  await relays.start(3)
  // Of the last in the chain it was so the longest ago.
  for (const number of [3, 2, 1]) {
    relays.at(number).binding().listed = { epoch: source.epoch(), seq: source.headSeq() }
    source.write(`goes-${number}`, 'x')
    source.remove(`goes-${number}`)
  }
  await send(chain(1, 2, 3))
  for (const number of [1, 2, 3]) {
    expect(listingOf(number)).toEqual(CONTENT)
    expect(relays.at(number).binding().toldGone.toSorted()).toEqual(['goes-1', 'goes-2', 'goes-3'])
  }
})

test('a child of which a list was broken off is served by itself where the stream does not name what left', async () => {
  await relays.start(2)
  relays.at(2).binding().listed = { epoch: source.epoch(), seq: source.headSeq() }
  const late = relays.at(1).binding()
  await send(chain(1, 2))
  expect(late.listing()).toEqual(CONTENT)
  expect(relays.at(1).relayed.at(-1)).toMatchObject({ error: { code: 'RELAY_UNFIT' } })
  expect((await send(chain(2))).at(-1)).toMatchObject({ state: 'done' })
  expect(listingOf(2)).toEqual(CONTENT)
})

const MIB = 1 << 20

describe('a large file that was broken off at several servers', () => {
  const content = randomBytes(6 * MIB)
  const have = (number: number, mib: number) => {
    const seq = source.headSeq()
    if (mib > 0)
      relays
        .at(number)
        .binding()
        .broken.set(seq, content.subarray(0, mib * MIB))
  }

  test.each([
    ['all have of it', [4, 2, 3], 4],
    ['one of them has none of', [4, 0, 3], 6],
  ] as const)('goes on from what %s', async (_what, mibs, sentMib) => {
    source.write('d/large', content)
    await relays.start(3)
    for (const [index, mib] of mibs.entries()) have(index + 1, mib)
    const reports = await send({ number: 1, compression: 0, children: [chain(2, 3)] })
    for (const number of [1, 2, 3])
      expect(relays.at(number).binding().contents.has(hashBytes(content))).toBe(true)
    expect((reports.at(-1)?.bytesOnWire ?? 0) / (sentMib * MIB)).toBeWithin(1, 1.1)
  })
})

test('a set that the source did not sign is refused by the child itself', async () => {
  await relays.start(2)
  const { server, configuration, port } = relays.at(2)
  const targets = [relays.fleet.targetConfig({ sourceKey: relays.fleet.target.publicKey })]
  const listen = { host: '127.0.0.1', port }
  const peers = [{ serverId: serverId(1), name: 'one', addresses: [] }]
  server.configure({ ...configuration, listen, peers, targets })
  await send(chain(1, 2))
  expect(listingOf(1)).toEqual(CONTENT)
  expect(listingOf(2)).toEqual([])
  expect(relays.at(1).relayed.at(-1)?.error?.message).toContain('SIGNATURE_INVALID')
})

/** A way to a server that takes no more after the first bytes, while its connections stay open. */
function stalling(port: number, afterBytes: number) {
  const sockets: Socket[] = []
  const line = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    let bytes = 0
    for (const socket of [near, far]) socket.on('error', () => undefined)
    near.on('data', (chunk) => {
      bytes += chunk.length
      far.write(chunk)
      if (bytes > afterBytes) near.pause()
    })
    far.on('data', (chunk) => void near.write(chunk))
  }).listen(0, '127.0.0.1')
  const address = line.address()
  const stop = (): void => {
    for (const socket of sockets) socket.destroy()
    line.close()
  }
  return { port: typeof address === 'object' && address !== null ? address.port : 0, stop }
}

test('a child that takes no more holds its siblings up for a moment, then is dropped', async () => {
  const served = await relays.fleet.serve({
    configuration: {
      serverId: serverId(9),
      identity: await relays.fleet.authority.issue(serverId(9)),
    },
  })
  const line = stalling(served.port, 1 << 20)
  await relays.start(2, {}, { [serverId(9)]: line.port })
  for (let file = 0; file < 12; file++) source.write(`d/${file}`, `${file}`.repeat(4_000_000))
  const leaves = [{ number: 9 }, { number: 2 }].map((leaf) => ({ ...leaf, compression: 0 }))
  await send({ number: 1, compression: 0, children: leaves })
  line.stop()
  for (const number of [1, 2]) expect(listingOf(number)).toHaveLength(15)
  expect(served.binding().entries.size).toBe(0)
  const last = told(relays.at(1).relayed)
  expect(last.get(serverId(9))).toMatchObject({ error: { code: 'RELAY_DROPPED' } })
  expect(last.get(serverId(2))).toMatchObject({ state: 'done' })
})

test('the end at the relay waits for no child, nor does its next job; the child gets all of the first', async () => {
  await relays.start(2)
  source.write('d/c', randomBytes(4_000_000).toString('latin1'))
  const slow = { number: 2, compression: 0, rateBytesPerS: 2_000_000 }
  const first = await sendOnly({ number: 1, compression: 0, children: [slow] })
  expect(first.at(-1)).toMatchObject({ state: 'done', serverId: serverId(1) })
  const isDone = () => relays.at(1).relayed.some(({ state }) => state === 'done')
  expect(isDone()).toBe(false)
  source.write('d/a', 'beta')
  await sendOnly({ number: 1 })
  expect(listingOf(1)).toContain('d/a beta')
  expect(isDone()).toBe(false)
  await waitFor('the child', isDone)
  expect(listingOf(2)).toHaveLength(4)
  expect(listingOf(2)).toContain('d/a alpha')
})

test('what was passed on when the sender left goes on to its end; the rest is told as lost', async () => {
  await relays.start(3)
  source.write('d/c', randomBytes(8_000_000).toString('latin1'))
  const slow = { ...chain(2, 3), compression: 0, rateBytesPerS: 2_000_000 }
  const { client } = relays.fleet.client(relays.ports, source)
  const job = await relays.fleet.job(source.headSeq(), { retry: { attempts: 1, backoffMs: 1 } })
  const tree = { number: 1, compression: 0, rateBytesPerS: 4_000_000, children: [slow] }
  const ended = client.run({ ...job, children: [await relays.node(tree)] })
  await waitFor('content', () => relays.at(3).binding().openSets > 0)
  client.cancel(job.jobId)
  await ended
  await waitFor('the word', () => relays.at(1).relayed.some(({ state }) => state === 'failed'))
  const last = told(relays.at(1).relayed)
  for (const number of [2, 3])
    expect(last.get(serverId(number))).toMatchObject({ error: { code: 'RELAY_LOST' } })
})

test('a later run takes a target over from a relay that is stuck', async () => {
  await relays.start(2)
  source.write('d/c', randomBytes(4_000_000).toString('latin1'))
  const slow = { number: 2, compression: 0, rateBytesPerS: 100_000 }
  await sendOnly({ number: 1, compression: 0, children: [slow] })
  await waitFor('content', () => relays.at(2).binding().openSets > 0)
  const ticket = { claims: { senders: [SOURCE_SERVER], runAtMs: 2 } }
  expect((await send({ number: 2, ticket })).at(-1)).toMatchObject({ state: 'done' })
  expect(listingOf(2)).toHaveLength(4)
})

test('a new rate of a hop holds at once for what is passed on', async () => {
  await relays.start(2)
  source.write('d/c', randomBytes(2_000_000).toString('latin1'))
  const slow = { number: 2, compression: 0, rateBytesPerS: 100_000 }
  await sendOnly({ number: 1, compression: 0, children: [slow] })
  const { hop } = await relays.node({ ...slow, rateBytesPerS: 100_000_000 })
  const hops = [{ bindingId: 'binding-1', hop }]
  relays.at(1).server.changeHops({ type: 'hops', jobId: 'another', hops })
  expect(relays.at(1).relayed.at(-1)).toMatchObject({ state: 'running' })
  relays.at(1).server.changeHops({ type: 'hops', jobId: 'job-1', hops })
  await relays.settled()
  expect(listingOf(2)).toHaveLength(4)
})
