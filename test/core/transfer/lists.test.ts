import { expect, test } from 'bun:test'

import { fromText } from '../../../src/core/base/byte-string.ts'
import { AppError } from '../../../src/core/base/errors.ts'
import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { ALL, run, sourceWithFiles } from './small-job.ts'

test('a list that was broken off begins again, and names what has left since', () => {
  const source = sourceWithFiles()
  source.remove('d/empty')
  const binding = new MemoryBinding()
  const seq = source.headSeq()
  const broken = run(source, binding, { setEntriesMax: 2, loseAt: 8 })
  expect(broken.outcome).toBe('lost')
  expect([binding.watermark, binding.listed]).toEqual([null, { epoch: 'epoch-1', seq }])
  source.remove('d/a')
  run(source, binding)
  expect(binding.toldGone).toEqual(['d/a'])
  expect([binding.watermark, binding.listed]).toEqual([{ epoch: 'epoch-1', seq: seq + 1 }, null])
})

test.each([
  ['a seq that the source has not reached', { epoch: 'epoch-1', seq: 1_000_000 }],
  ['a journal that the source does not have', { epoch: 'epoch-9', seq: 0 }],
])(
  'a target that claims a list of %s gets all that lives, and harms only itself',
  (_what, listed) => {
    const source = sourceWithFiles()
    source.remove('d/empty')
    const binding = new MemoryBinding()
    binding.listed = listed
    expect(run(source, binding).outcome).toMatchObject({ ok: true })
    expect(binding.toldGone).toEqual([])
    expect(binding.listing()).toEqual(ALL.filter((line) => !line.startsWith('d/empty')))
    expect(binding.listed).toBeNull()
  },
)

test('a new epoch brings a full list, and what it does not name is no longer at the source', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  run(source, binding)
  source.rows.delete(source.write('d/a', 'x'))
  source.renewEpoch('epoch-2')
  expect(run(source, binding).contentBytes).toBe(0)
  expect(binding.listing()).toEqual(ALL.filter((line) => !line.startsWith('d/a')))
  expect(binding.watermark?.epoch).toBe('epoch-2')
})

test('more entries than a set holds come in several sets; a row that moves meanwhile is still named', () => {
  const source = new MemorySource()
  for (let index = 0; index < 10_000; index++) source.folder(`f${index}`)
  const binding = new MemoryBinding()
  const to = source.headSeq()
  let moved = false
  run(source, binding, {
    to,
    tamper(frame) {
      // A row beyond the first set gets a newer seq than the job goes up to.
      if (frame.type === 'setEnd' && !moved) source.folder('f9999')
      moved ||= frame.type === 'setEnd'
      return frame
    },
  })
  expect(binding.headers.map(({ from, last }) => ({ from, last }))).toEqual([
    { from: 0, last: false },
    { from: 4096, last: false },
    { from: 8192, last: true },
  ])
  expect(binding.entries.size).toBe(10_000)
  expect(binding.watermark?.seq).toBe(to + 1)
})

test('what leaves while a full list is under way leaves the target too', () => {
  const source = new MemorySource()
  for (let index = 0; index < 10_000; index++) source.folder(`f${index}`)
  const binding = new MemoryBinding()
  let sets = 0
  run(source, binding, {
    tamper(frame) {
      if (frame.type === 'setEnd' && sets++ === 0) source.remove('f1')
      return frame
    },
  })
  expect(binding.entries.has(fromText('f1'))).toBe(false)
  expect(binding.entries.size).toBe(9999)
})

test('a full list follows a source that is still being looked through, and ends with it', () => {
  const source = new MemorySource()
  source.folder('d')
  const binding = new MemoryBinding()
  let found = 0
  source.listed = () => {
    if (found === 3000) return true
    for (let index = 0; index < 100; index++) source.write(`d/f${found++}`, `content ${found}`)
    return false
  }
  const { outcome } = run(source, binding, { to: 1 })
  expect(outcome).toEqual({ ok: true, value: { appliedCount: 3001, failedCount: 0 } })
  expect(binding.watermark?.seq).toBe(3001)
  expect(binding.headers.map(({ last }) => last)).toEqual([false, false, false, false, false, true])
  expect(binding.headers.map(({ from }) => from).slice(1)).toEqual(
    binding.headers.map(({ to }) => to).slice(0, -1),
  )
})

test('a source whose root is lost while it is looked through ends the job, not the list', () => {
  const source = new MemorySource()
  for (let index = 0; index < 1000; index++) source.folder(`f${index}`)
  const binding = new MemoryBinding()
  source.listed = () => {
    if (binding.headers.length === 0) return false
    throw new AppError('ROOT_MISSING', 'the folder is not there')
  }
  expect(() => run(source, binding)).toThrow('the folder is not there')
  expect(binding.headers.every(({ last }) => !last)).toBe(true)
  expect(binding.watermark).toBeNull()
})
