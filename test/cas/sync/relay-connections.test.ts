import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import type { JobNode, Peer } from '../../../src/core/wire/control.ts'
import { type FreezingLine, startFreezingLine } from '../../fakes/freezing-line.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { RelayFleet, type TreeNode, chain, serverId } from '../../fakes/relay-fleet.ts'
import { SOURCE_PEER } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

const hopKey = randomBytes(32).toString('base64')

let relays: RelayFleet
let source: MemorySource
/** By which server 1 reaches server 2. */
let line: FreezingLine
let written = 0

beforeEach(async () => {
  relays = await RelayFleet.make()
  source = new MemorySource()
  source.folder('d')
  await relays.start(2)
  line = startFreezingLine(relays.at(2).port)
  configure(1)
  configure(2)
})
afterEach(async () => {
  await relays.fleet.stop()
  line.stop()
})

/** Lets one of the two know the other, as before or by another key. */
function configure(number: 1 | 2, key = hopKey): void {
  const { server, configuration, port } = relays.at(number)
  const id = serverId(3 - number)
  const addresses = [{ scope: null, host: '127.0.0.1', port: number === 1 ? line.port : 1 }]
  const peers: Peer[] = [SOURCE_PEER, { serverId: id, name: id, addresses, hopKey: key }]
  server.configure({ ...configuration, listen: { host: '127.0.0.1', port }, peers })
}

/** Sends a change through server 1 to server 2, until both have it. */
async function send(tree: TreeNode = chain(1, 2), hop: Partial<JobNode['hop']> = {}) {
  source.write('d/a', `change ${++written}`)
  const node = await relays.node(tree)
  const children = node.children.map((child) => ({ ...child, hop: { ...child.hop, ...hop } }))
  const { client } = relays.fleet.client(relays.ports, source)
  const job = await relays.fleet.job(source.headSeq())
  await client.run({ ...job, children: [{ ...node, children }] })
  await relays.settled()
  for (const number of [1, 2])
    expect(relays.at(number).binding().listing()).toContain(`d/a change ${written}`)
}

test('the next stream goes by the same connection, each with its own count of bytes', async () => {
  for (let round = 0; round < 3; round++) await send()
  expect(line.connectionCount).toBe(1)
  const bytes = relays.at(1).relayed.filter(({ state }) => state === 'done')
  expect(bytes).toHaveLength(3)
  expect(bytes[2]?.bytesOnWire).toBeLessThan((bytes[0]?.bytesOnWire ?? 0) * 1.5)
})

test('plain and TLS never share one', async () => {
  await send()
  await send(chain(1, 2), { tls: false })
  expect(line.connectionCount).toBe(2)
  await send()
  await send(chain(1, 2), { tls: false })
  expect(line.connectionCount).toBe(2)
})

test('one that died unnoticed costs a moment and not the child', async () => {
  await send()
  line.forget()
  await send()
  expect(line.connectionCount).toBe(2)
})

test('while one that died is replaced, no less than nothing is said to have gone by it', async () => {
  await send()
  line.freeze()
  const sending = send().catch(() => undefined)
  const { relayed } = relays.at(1)
  await waitFor('another connection', () => line.connectionCount === 2)
  const told = relayed.length
  await waitFor('a report meanwhile', () => relayed.length > told)
  expect(relayed.map(({ bytesOnWire }) => bytesOnWire).filter((bytes) => bytes < 0)).toEqual([])
  line.thaw()
  await sending
}, 20_000)

test('a child that was started again meanwhile is connected to anew', async () => {
  await send()
  relays.at(2).server.stop()
  configure(2)
  await send()
  expect(line.connectionCount).toBe(2)
})

test('with another configuration there are other connections, also where a stream was under way', async () => {
  await send()
  configure(1)
  await send()
  expect(line.connectionCount).toBe(2)
  source.write('d/b', randomBytes(1_000_000).toString('latin1'))
  const slow = { number: 2, compression: 0, rateBytesPerS: 2_000_000 }
  const sending = send({ number: 1, compression: 0, children: [slow] })
  await waitFor('content', () => relays.at(2).binding().openSets > 0)
  configure(1)
  await sending
  await send()
  expect(line.connectionCount).toBe(3)
})

test('a plain one ends with its key', async () => {
  await send(chain(1, 2), { tls: false })
  const another = randomBytes(32).toString('base64')
  for (const number of [1, 2] as const) configure(number, another)
  await send(chain(1, 2), { tls: false })
  expect(line.connectionCount).toBe(2)
})

test('the rate of one stream is not that of the next', async () => {
  source.write('d/b', 'x')
  await send({ number: 1, compression: 0, children: [{ number: 2, rateBytesPerS: 1000 }] })
  source.write('d/b', randomBytes(500_000).toString('latin1'))
  await send({ number: 1, compression: 0, children: [{ number: 2, compression: 0 }] })
  expect(line.connectionCount).toBe(1)
})
