import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { targetOpener } from '../../../src/cas/apply/target-opener.ts'
import type { OutboundSource } from '../../../src/core/apply/outbound.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { RelayFleet, chain } from '../../fakes/relay-fleet.ts'

// Of a file with several names the content goes once over every hop.

const LARGE = 'x'.repeat(700_000)

let relays: RelayFleet
beforeEach(async () => {
  relays = await RelayFleet.make()
})
afterEach(() => relays.fleet.stop())

/** A function that sends what is new down a chain of two, and gives what went over either hop. */
function sending(source: OutboundSource) {
  const { client, reports } = relays.fleet.client(relays.ports, source)
  return async () => {
    const job = await relays.fleet.job(source.headSeq())
    const node = await relays.node({ number: 1, compression: 0, children: [chain(2)] })
    await client.run({ ...job, children: [node] })
    await relays.settled()
    const last = [reports.at(-1), relays.at(1).relayed.at(-1)]
    expect(last).toMatchObject(Array(2).fill({ state: 'done', entriesFailed: 0, error: null }))
    return last.map((report) => report?.bytesOnWire ?? 0)
  }
}

describe('in memory', () => {
  const NAMES = ['a', 'b', 'c']
  let source: MemorySource
  let send: () => Promise<number[]>
  beforeEach(async () => {
    source = new MemorySource()
    source.write('a', LARGE)
    for (const name of ['b', 'c']) source.name('a', name)
    await relays.start(2)
    send = sending(source)
  })

  const expectAll = (names: readonly string[]) => {
    for (const number of [1, 2])
      expect(relays.at(number).binding().listing()).toEqual(names.map((name) => `${name} ${LARGE}`))
  }

  test('everyone gets it once', async () => {
    const [first = 0] = await send()
    expect(first).toBeGreaterThan(LARGE.length)
    expect(first).toBeLessThan(LARGE.length + 10_000)
    expectAll(NAMES)
  })

  test('a child that alone lacks it gets it once, through the relay', async () => {
    await send()
    relays.at(2).binding().contents.clear()
    source.name('b', 'd')
    const [first = 0] = await send()
    expect(first).toBeLessThan(LARGE.length + 10_000)
    expectAll([...NAMES, 'd'])
  })

  test('a relay that alone lacks it passes on nothing of it', async () => {
    await send()
    relays.at(1).binding().contents.clear()
    source.name('b', 'd')
    await send()
    expectAll([...NAMES, 'd'])
  })
})

test('on real disks, names of one file are so on the relay and behind it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cd-relay-names-'))
  const path = (...names: readonly string[]) => join(folder, ...names)
  const log = createLogger({ level: 'error' })
  const metadata = { ...relays.fleet.targetConfig().metadata, hardLinks: true }
  const indexes: IndexFile[] = []
  for (const name of ['source', '1', '2']) mkdirSync(path(name))
  await relays.start(2, (number) => {
    const index = IndexFile.open(path(`${number}.db`))
    indexes.push(index)
    const targets = [relays.fleet.targetConfig({ path: path(`${number}`), metadata })]
    return { openTarget: targetOpener({ index, log }), configuration: { targets } }
  })
  const source = new DiskSource(path('source'), metadata)
  const send = sending(source)
  const inodes = (...names: readonly string[]) =>
    ['1', '2'].map((target) => new Set(names.map((name) => statSync(path(target, name)).ino)).size)
  try {
    await Bun.write(path('source', 'a'), LARGE)
    for (const name of ['b', 'c']) linkSync(path('source', 'a'), path('source', name))
    source.scan()
    const [first = 0] = await send()
    expect(first).toBeLessThan(LARGE.length + 10_000)
    expect(inodes('a', 'b', 'c')).toEqual([1, 1])
    rmSync(path('source', 'b'))
    await Bun.write(path('source', 'b'), 'another')
    await Bun.write(path('source', 'c'), 'written')
    source.scan()
    await send()
    expect([inodes('a', 'c'), inodes('a', 'b')]).toEqual([
      [1, 1],
      [2, 2],
    ])
    for (const target of ['1', '2']) expect(readFileSync(path(target, 'a'), 'utf8')).toBe('written')
  } finally {
    await relays.fleet.stop()
    for (const index of indexes) index.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
