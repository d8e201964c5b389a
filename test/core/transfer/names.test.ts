import { expect, test } from 'bun:test'

import type { Frame } from '../../../src/core/wire/frame.ts'
import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { type MemoryWireOptions, overMemory } from '../../fakes/memory-wire.ts'

// Of a file with several names the content goes once.

const LARGE = 'x'.repeat(700_000)

/** A source with a file that has three names, and one that has one. */
function named(content = LARGE): MemorySource {
  const source = new MemorySource()
  source.write('a', content)
  source.write('alone', 'alone')
  source.name('a', 'b')
  source.name('a', 'c')
  return source
}

const all = (content: string) =>
  [...['a', 'b', 'c'].map((at) => `${at} ${content}`), 'alone alone'].toSorted()

function run(
  source: MemorySource,
  binding: MemoryBinding,
  options: Partial<MemoryWireOptions> = {},
) {
  const result = overMemory({ source, binding, to: source.headSeq(), ...options })
  return { ...result, end: result.sent.findLast(isSetEnd)?.end }
}

function isSetEnd(frame: Frame): frame is Extract<Frame, { type: 'setEnd' }> {
  return frame.type === 'setEnd'
}

test.each([
  ['large', 'push', LARGE],
  ['large', 'ask', LARGE],
  ['small', 'push', 'small'],
  ['small', 'ask', 'small'],
  ['empty', 'push', ''],
] as const)('%s content goes once, and is read no oftener: %s', (_size, content, bytes) => {
  const source = named(bytes)
  const binding = new MemoryBinding()
  const { outcome, contentBytes } = run(source, binding, { content })
  expect(outcome).toEqual({ ok: true, value: { appliedCount: 4, failedCount: 0 } })
  expect(binding.listing()).toEqual(all(bytes))
  expect(contentBytes).toBeLessThan(bytes.length + 100)
  // Where the target is asked, once more before that.
  expect(source.opened.filter((path) => path !== 'alone')).toHaveLength(content === 'ask' ? 2 : 1)
})

test('a hash that comes to light on the way is said, and kept, for every name', () => {
  const source = named()
  expect(run(source, new MemoryBinding(), { content: 'push' }).end?.lateHashes.size).toBe(4)
  source.opened.length = 0
  const again = run(source, new MemoryBinding())
  expect(again.end?.lateHashes.size).toBe(0)
  expect(source.opened).toEqual(['alone', 'a'] as never)
})

test.each([
  ['large', 'with the others', LARGE],
  ['large', 'after the others', LARGE],
  ['small', 'with the others', 'small'],
  ['small', 'after the others', 'small'],
])('a further name of a %s file, told %s, sends no content', (...[, when, bytes]) => {
  const source = named(bytes)
  const binding = new MemoryBinding()
  run(source, binding)
  source.opened.length = 0
  source.name('b', 'd')
  const content = 'push'
  if (when === 'after the others') run(source, binding, { content, to: source.headSeq() - 1 })
  expect(run(source, binding, { content }).contentBytes).toBe(0)
  expect(binding.listing()).toContain(`d ${bytes}`)
  // Once to prove its hash.
  expect(source.opened).toHaveLength(1)
})

test('a further name of a file that the target has not goes with its content, once', () => {
  const source = named()
  run(source, new MemoryBinding())
  const binding = new MemoryBinding()
  source.name('c', 'd')
  expect(run(source, binding).contentBytes).toBeLessThan(LARGE.length + 100)
  expect(binding.listing()).toContain(`d ${LARGE}`)
})

test.each(['push', 'ask'] as const)(
  'a file that changes while it is read is put back under every name: %s',
  (content) => {
    const source = named()
    const binding = new MemoryBinding()
    source.onOpen = (path) => {
      const file = source.rows.get(path)?.file
      if (file && path !== 'alone') file.state = { ...file.state, ctimeNs: file.state.ctimeNs + 1n }
    }
    const { end } = run(source, binding, { content })
    expect(end?.skipped).toHaveLength(3)
    expect(source.resequenced.map(String).toSorted()).toEqual(['a', 'b', 'c'])
    expect(binding.listing()).toEqual(['alone alone'])
  },
)

test.each(['push', 'ask'] as const)(
  'a file that cannot be read is unavailable under every name: %s',
  (content) => {
    const source = named()
    for (const path of ['a', 'b', 'c']) source.unreadable.add(path as never)
    const binding = new MemoryBinding()
    const { outcome, end } = run(source, binding, { content })
    expect(outcome).toEqual({ ok: true, value: { appliedCount: 1, failedCount: 3 } })
    expect([...(end?.unavailable.values() ?? [])]).toEqual(Array(3).fill('NO_PERMISSION'))
    expect(binding.pending.map(({ path }) => path as string).toSorted()).toEqual(['a', 'b', 'c'])
  },
)
