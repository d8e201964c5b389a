import { afterEach, beforeEach, expect, test } from 'bun:test'

import type { JobNode } from '../../../src/core/wire/control.ts'
import type { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { random } from '../../fakes/random.ts'
import { RelayFleet, type TreeNode, chain, serverId } from '../../fakes/relay-fleet.ts'

const next = random(31)
const noise = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, () => next(256)))
const FILE_BYTES = 1 << 20

let relays: RelayFleet
let source: MemorySource
let content: Buffer

beforeEach(async () => {
  relays = await RelayFleet.make()
  source = new MemorySource()
  content = noise(FILE_BYTES)
  source.write('large', content)
})
afterEach(() => relays.fleet.stop())

/** Sends what is new down a tree of three; gives what left the source. */
async function makeSending(tree: TreeNode) {
  await relays.start(3)
  const { client, reports } = relays.fleet.client(relays.ports, source)
  return async () => {
    const job = await relays.fleet.job(source.headSeq())
    await client.run({ ...job, children: [patching(await relays.node(tree))] })
    await relays.settled()
    return reports.at(-1)?.bytesOnWire ?? 0
  }
}

/** The same tree, where every hop may pass changes on. */
function patching(node: JobNode): JobNode {
  const hop = { ...node.hop, method: 'patch' as const }
  return { ...node, hop, children: node.children.map(patching) }
}

function change(): void {
  content = Buffer.concat([noise(50), content])
  noise(100).copy(content, 500_000)
  source.write('large', content)
}

const bindingOf = (number: number): MemoryBinding => relays.at(number).binding()
const holds = (number: number) =>
  [...bindingOf(number).entries.values()].some(({ state }) => {
    const held = state?.hash ? bindingOf(number).contents.get(state.hash) : undefined
    return held !== undefined && content.equals(held)
  })
const lastReport = (number: number) =>
  [1, 2, 3]
    .flatMap((relay) => relays.at(relay).relayed)
    .findLast((report) => report.serverId === serverId(number))

test.each<[string, TreeNode]>([
  ['a chain', chain(1, 2, 3)],
  ['a fan', { number: 1, children: [{ number: 2 }, { number: 3 }] }],
])('changes go down %s where everyone holds the same version', async (_what, tree) => {
  const send = await makeSending(tree)
  expect(await send()).toBeGreaterThan(FILE_BYTES)
  for (let generation = 0; generation < 3; generation++) {
    change()
    expect(await send()).toBeLessThan(40_000)
    expect([1, 2, 3].map(holds)).toEqual([true, true, true])
    for (const number of [2, 3]) {
      expect(lastReport(number)).toMatchObject({ state: 'done' })
      expect(lastReport(number)?.bytesOnWire).toBeLessThan(40_000)
    }
  }
})

test('where one below holds another version, the file goes whole', async () => {
  const send = await makeSending(chain(1, 2, 3))
  await send()
  const other = bindingOf(3)
  for (const [path, entry] of other.entries)
    if (entry.state !== null)
      other.entries.set(path, { ...entry, state: { ...entry.state, size: 10 } })
  change()
  expect(await send()).toBeGreaterThan(FILE_BYTES)
  expect([1, 2, 3].map(holds)).toEqual([true, true, true])
})

test('a relay that cannot build the file gets it whole, and so pass it those that could', async () => {
  const send = await makeSending(chain(1, 2, 3))
  await send()
  change()
  await send()
  change()
  bindingOf(1).basesBreak = true
  expect(await send()).toBeGreaterThan(FILE_BYTES)
  expect([1, 2, 3].map(holds)).toEqual([true, true, true])
  expect(lastReport(2)).toMatchObject({ state: 'done' })
})

test('a child that cannot build the file is left to another job, and its parent goes on', async () => {
  const send = await makeSending({ number: 1, children: [{ number: 2 }, { number: 3 }] })
  await send()
  change()
  bindingOf(3).basesBreak = true
  expect(await send()).toBeLessThan(40_000)
  expect([1, 2, 3].map(holds)).toEqual([true, true, false])
  expect(lastReport(2)).toMatchObject({ state: 'done' })
  expect(lastReport(3)).toMatchObject({ state: 'failed' })
})
