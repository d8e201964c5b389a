import { expect, test } from 'bun:test'

import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { overMemory } from '../../fakes/memory-wire.ts'

/** How far the two get in round trips: until everything is applied, and until the sender may begin its next job. */
interface Case {
  readonly what: string
  readonly trips: readonly [applied: number, total: number]
  /** Changes what a target of the source holds already, and may choose another target. */
  readonly act: (source: MemorySource, target: MemoryBinding) => MemoryBinding
  readonly content?: 'push' | 'ask'
}

const cases: readonly Case[] = [
  { what: 'nothing', trips: [0, 2], act: (_source, target) => target },
  {
    what: 'one new file',
    trips: [1.5, 2],
    act: (source, target) => {
      source.write('new', 'x')
      return target
    },
  },
  {
    what: '20,000 new files',
    trips: [1.5, 2],
    act: (source, target) => {
      for (let file = 0; file < 20_000; file++) source.write(`d/${file}`, `${file}`)
      return target
    },
  },
  {
    what: '20,000 new files that another target has got already',
    trips: [1.5, 2],
    act: (source, target) => {
      for (let file = 0; file < 20_000; file++) source.write(`d/${file}`, `${file}`)
      send(source, new MemoryBinding(), 'push')
      return target
    },
  },
  {
    what: '20,000 files and a large one that another target has got already, to an empty one',
    trips: [2.5, 3],
    content: 'push',
    act: (source) => {
      for (let file = 0; file < 20_000; file++) source.write(`d/${file}`, `${file}`)
      send(source, new MemoryBinding(), 'push')
      return new MemoryBinding()
    },
  },
  {
    what: 'a rename, whose content may be asked for',
    trips: [2.5, 3],
    act: (source, target) => {
      source.rename('d/large', 'd/renamed')
      return target
    },
  },
  {
    what: 'a large file that changed, of which an older version is asked about',
    trips: [5.5, 6],
    act: (source, target) => {
      source.write('d/large', `${'x'.repeat(400_000)}y${'z'.repeat(400_000)}`)
      return target
    },
  },
]

test.each(cases)('round trips for $what', ({ act, trips, content }) => {
  const source = new MemorySource()
  source.folder('d')
  source.write('d/large', `${'x'.repeat(400_000)}${'z'.repeat(400_000)}`)
  const first = new MemoryBinding()
  send(source, first, 'push')
  const target = act(source, first)
  const { outcome, roundTrips } = send(source, target, content)
  expect(outcome).toMatchObject({ ok: true })
  expect(target.listing()).toHaveLength(
    source.rows
      .values()
      .filter(({ file }) => file)
      .toArray().length,
  )
  expect([roundTrips.applied, roundTrips.total]).toEqual([...trips])
})

function send(source: MemorySource, binding: MemoryBinding, content?: 'push' | 'ask') {
  return overMemory({ source, binding, to: source.headSeq(), ...(content && { content }) })
}
