import { afterEach, beforeEach, expect, test } from 'bun:test'

import { MemorySource } from '../../fakes/memory-source.ts'
import { RelayFleet, chain, serverId } from '../../fakes/relay-fleet.ts'
import { SOURCE_SERVER } from '../../fakes/sync-fleet.ts'

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

test('a chain of three gets everything, and the source sends once', async () => {
  await relays.start(3)
  const { client, reports } = relays.fleet.client(relays.ports, source)
  const job = await relays.fleet.job(source.headSeq())
  const children = [await relays.node(chain(1, 2, 3))]
  await client.run({ ...job, children })
  for (const number of [1, 2, 3]) expect(relays.at(number).binding().listing()).toEqual(CONTENT)
  expect(reports.filter(({ state }) => state === 'done')).toMatchObject([
    { serverId: serverId(1), via: SOURCE_SERVER, entriesApplied: 3 },
  ])
  expect(relays.at(1).relayed.at(-1)).toMatchObject({
    serverId: serverId(2),
    via: serverId(1),
    state: 'done',
    entriesApplied: 3,
  })
  expect(relays.at(2).relayed.at(-1)).toMatchObject({ serverId: serverId(3), state: 'done' })
})
