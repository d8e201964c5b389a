import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import type { JobNode, Peer } from '../../../src/core/wire/control.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { type RecordingLine, startRecordingLine } from '../../fakes/recording-line.ts'
import { RelayFleet, chain, serverId } from '../../fakes/relay-fleet.ts'
import { SOURCE_PEER } from '../../fakes/sync-fleet.ts'

const TEXT = 'what a relay passes on can be read where the hop is plain\n'.repeat(5000)
const hopKey = randomBytes(32).toString('base64')

let relays: RelayFleet
let source: MemorySource
let line: RecordingLine

beforeEach(async () => {
  relays = await RelayFleet.make()
  source = new MemorySource()
  source.write('text', TEXT)
  await relays.start(2)
  line = startRecordingLine(relays.at(2).port)
})
afterEach(async () => {
  await relays.fleet.stop()
  line.stop()
})

/** Lets the two servers know each other, by way of the line. */
function acquaint(keys: readonly [string | null, string | null]): void {
  for (const [index, key] of keys.entries()) {
    const { server, configuration, port } = relays.at(index + 1)
    const id = serverId(2 - index)
    const addresses = [{ scope: null, host: '127.0.0.1', port: index === 0 ? line.port : 1 }]
    const peer: Peer = { serverId: id, name: id, addresses, ...(key !== null && { hopKey: key }) }
    server.configure({
      ...configuration,
      listen: { host: '127.0.0.1', port },
      peers: [SOURCE_PEER, peer],
    })
  }
}

/** Sends through server 1 to server 2, whose hop is as given. */
async function send(hop: Partial<JobNode['hop']>) {
  const node = await relays.node(chain(1, 2))
  const children = node.children.map((child) => ({ ...child, hop: { ...child.hop, ...hop } }))
  const { client } = relays.fleet.client(relays.ports, source)
  await client.run({
    ...(await relays.fleet.job(source.headSeq())),
    children: [{ ...node, children }],
  })
  await relays.settled()
  return relays.at(1).relayed.at(-1)
}

test('a relay keeps to the options of each hop: plain, and packed otherwise than it came', async () => {
  acquaint([hopKey, hopKey])
  expect(await send({ tls: false, compression: 0 })).toMatchObject({ state: 'done' })
  expect(relays.at(2).binding().listing()).toEqual([`text ${TEXT}`])
  expect(line.recorded('toServer').includes(TEXT.slice(0, 5000))).toBe(true)
})

test('at a slow level it packs on another thread, and under TLS nobody reads', async () => {
  acquaint([hopKey, hopKey])
  const report = await send({ tls: true, compression: 9 })
  expect(report).toMatchObject({ state: 'done' })
  expect(report?.bytesOnWire).toBeLessThan(10_000)
  expect(relays.at(2).binding().listing()).toEqual([`text ${TEXT}`])
  expect(line.recorded('toServer').includes('can be read')).toBe(false)
})

test('without a key it passes nothing on', async () => {
  acquaint([null, hopKey])
  const report = await send({ tls: false })
  expect(report).toMatchObject({ state: 'failed', error: { code: 'RELAY_DROPPED' } })
  expect(report?.error?.message).toContain('without TLS: no key')
  expect(relays.at(1).binding().listing()).toEqual([`text ${TEXT}`])
  expect(line.recorded('toServer').length).toBe(0)
})
