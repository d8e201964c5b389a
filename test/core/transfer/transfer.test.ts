import { expect, test } from 'bun:test'

import { AppError } from '../../../src/core/base/errors.ts'
import type { Frame } from '../../../src/core/wire/frame.ts'
import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { ALL, LARGE, run, sourceWithFiles } from './small-job.ts'

test('everything arrives at first contact, and the next job sends nothing', () => {
  for (const content of ['push', 'ask'] as const) {
    const source = sourceWithFiles()
    const binding = new MemoryBinding()
    const first = run(source, binding, { content })
    expect(first.outcome).toEqual({ ok: true, value: { appliedCount: 5, failedCount: 0 } })
    expect(binding.listing()).toEqual(ALL)
    expect(binding.watermark).toEqual({ epoch: 'epoch-1', seq: source.headSeq() })
    expect(binding.headers).toMatchObject([{ kind: 'full', from: 0, last: true }])
    expect(run(source, binding).sent.map((frame) => frame.type)).toEqual(['open', 'jobEnd'])
    expect([source.openHandles, binding.openSets]).toEqual([0, 0])
  }
})

test('a change is sent once, from the watermark on', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  run(source, binding)
  const from = source.headSeq()
  source.write('d/a', 'beta')
  source.write('d/a', 'gamma')
  source.remove('large')
  const result = run(source, binding)
  expect(binding.listing()).toEqual(['d directory', 'd/a gamma', 'd/empty ', 'l d/a'])
  expect(binding.headers.at(-1)).toMatchObject({ kind: 'incremental', from, to: from + 3 })
  expect(result.contentBytes).toBeLessThan(20)
})

test('what was renamed sends no content; its hash is proved again before it is named', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  run(source, binding)
  source.rename('large', 'd/large')
  const result = run(source, binding)
  expect(result.contentBytes).toBe(0)
  expect(binding.listing()).toContain(`d/large ${LARGE}`)
})

test('the source keeps the hashes that it found, in one go a set', () => {
  const source = sourceWithFiles()
  run(source, new MemoryBinding(), { content: 'push' })
  expect(source.recordings).toBe(1)
  source.opened.length = 0
  const binding = new MemoryBinding()
  run(source, binding)
  expect(binding.listing()).toEqual(ALL)
  // Once each for sending: the hashes were known, so nothing was read for them.
  expect(source.opened).toHaveLength(3)
})

test('content that is there already is not sent at first contact', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  run(source, binding)
  binding.watermark = null
  binding.entries.clear()
  expect(run(source, binding).contentBytes).toBe(0)
  expect(binding.listing()).toEqual(ALL)
})

test('a file that changes while it is read is put back in the journal and left out', () => {
  for (const name of ['d/a', 'large']) {
    const source = sourceWithFiles()
    const binding = new MemoryBinding()
    source.onOpen = (path) => {
      if (path !== name) return
      source.onOpen = null
      source.scribble(name, 'scribbled')
    }
    const first = run(source, binding, { content: 'push' })
    expect(first.outcome).toMatchObject({ ok: true })
    expect(source.resequenced.map(String)).toEqual([name])
    expect(binding.listing().some((line) => line.startsWith(`${name} `))).toBe(false)
    run(source, binding)
    expect(binding.listing()).toContain(`${name} scribbled`)
  }
})

test('a file that is gone is left out', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  source.onOpen = () => {
    source.onOpen = null
    const row = source.rows.get(source.opened[0] ?? ('' as never))
    if (row) row.file = null
  }
  run(source, binding, { content: 'push' })
  expect(source.resequenced).toHaveLength(1)
  expect(binding.entries.size).toBe(4)
})

test('content that changed without a trace is found by its hash and sent anew', () => {
  const source = sourceWithFiles()
  run(source, new MemoryBinding())
  source.corrupt('d/a', 'ALPHA')
  const binding = new MemoryBinding()
  run(source, binding)
  expect(source.resequenced.map(String)).toEqual(['d/a'])
  run(source, binding)
  expect(binding.listing()).toContain('d/a ALPHA')
})

test('a file that cannot be read is pending at the target and offered again', () => {
  for (const content of ['push', 'ask'] as const) {
    const source = sourceWithFiles()
    const binding = new MemoryBinding()
    const path = source.write('d/a', 'secret')
    source.unreadable.add(path)
    expect(run(source, binding, { content }).outcome).toMatchObject({ ok: true })
    expect(binding.pending).toMatchObject([{ path, code: 'NO_PERMISSION' }])
    source.unreadable.clear()
    run(source, binding)
    expect(binding.pending).toEqual([])
    expect(binding.listing()).toContain('d/a secret')
    expect(binding.headers.at(-1)).toMatchObject({ kind: 'retry' })
  }
})

test('a root that is gone ends the job: its files are neither gone nor unreadable', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  Object.defineProperty(source, 'tree', {
    get() {
      throw new AppError('ROOT_MISSING', 'the folder is not there')
    },
  })
  expect(() => run(source, binding)).toThrow('the folder is not there')
  expect(source.resequenced).toEqual([])
  expect([binding.watermark, binding.pending, binding.entries.size]).toEqual([null, [], 0])
})

test('what is pending at the target is offered again, except where a newer version comes anyway', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  binding.failing.set(2, 'NO_SPACE')
  binding.failing.set(4, 'NO_SPACE')
  expect(run(source, binding).outcome).toMatchObject({ value: { failedCount: 2 } })
  binding.failing.clear()
  source.write('large', 'small now')
  run(source, binding)
  expect(binding.headers.map((header) => header.kind)).toEqual(['full', 'retry', 'incremental'])
  expect(binding.pending).toEqual([])
  expect(binding.listing()).toContain('large small now')
  expect(binding.listing()).toContain('d/a alpha')
})

test('a renamed folder and what it left stay in one set, however much is new beside it', () => {
  const source = new MemorySource()
  for (let index = 0; index < 5000; index++) source.folder(`f${index}`)
  const binding = new MemoryBinding()
  run(source, binding)
  const before = binding.headers.length
  for (let index = 0; index < 3000; index++) source.rename(`f${index}`, `g${index}`)
  run(source, binding)
  expect(binding.headers.slice(before)).toHaveLength(1)
})

test('a set ends where its content would be too much', () => {
  const source = new MemorySource()
  for (let index = 0; index < 5; index++) {
    const path = source.write(`f${index}`, 'x')
    const row = source.rows.get(path)
    if (row?.file) row.seen = { ...row.file.state, size: 100 << 20 }
  }
  const binding = new MemoryBinding()
  run(source, binding)
  expect(binding.headers.map(({ to, last }) => ({ to, last }))).toEqual([
    { to: 2, last: false },
    { to: 4, last: false },
    // Each of the four before was found changed and put back into the journal.
    { to: 9, last: true },
  ])
})

test('a job for another epoch, or beyond the journal, is refused by the source', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  expect(run(source, binding, { to: 1000 }).outcome).toMatchObject({
    error: { code: 'JOURNAL_BEHIND' },
  })
  run(source, binding)
  binding.watermark = { epoch: 'epoch-1', seq: 1000 }
  expect(run(source, binding).outcome).toMatchObject({ error: { code: 'JOURNAL_BEHIND' } })
})

test('a connection lost at any frame loses nothing, leaves nothing open, and the next job ends it', () => {
  for (let loseAt = 0; ; loseAt++) {
    const source = sourceWithFiles()
    const binding = new MemoryBinding()
    run(source, binding, { content: 'push' })
    for (let index = 0; index < 9000; index++) source.folder(`f${index}`)
    source.write('large', `${LARGE}!`)
    source.rename('d/a', 'd/b')
    source.write('new', 'new')
    const before = binding.listing()
    const first = run(source, binding, { loseAt })
    expect([source.openHandles, binding.openSets]).toEqual([0, 0])
    if (binding.watermark?.seq === 5) expect(binding.listing()).toEqual(before)
    if (first.outcome !== 'lost') break
    expect(run(source, binding).outcome).toMatchObject({ ok: true })
    expect(binding.entries.size).toBe(9006)
    expect(binding.listing()).toContain(`large ${LARGE}!`)
    expect(binding.listing()).toContain('d/b alpha')
  }
}, 60_000)

type Tamper = (frame: Frame) => Frame
const onType =
  <T extends Frame['type']>(type: T, change: (frame: Extract<Frame, { type: T }>) => Frame) =>
  (frame: Frame): Frame =>
    frame.type === type ? change(frame as Extract<Frame, { type: T }>) : frame

test('what was changed on the way is never applied', () => {
  const flip = (bytes: Uint8Array, at: number) =>
    bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
  const cases: [string, Tamper, string][] = [
    [
      'content',
      onType('pack', (f) => ({ ...f, block: { ...f.block, bytes: flip(f.block.bytes, 2) } })),
      'HASH_MISMATCH',
    ],
    [
      'large content',
      onType('fileData', (f) => ({ ...f, block: { ...f.block, bytes: flip(f.block.bytes, 9) } })),
      'HASH_MISMATCH',
    ],
    [
      'signature',
      onType('setEnd', (f) => ({ ...f, end: { ...f.end, signature: flip(f.end.signature, 0) } })),
      'SIGNATURE_INVALID',
    ],
    [
      'skipped',
      onType('setEnd', (f) => ({ ...f, end: { ...f.end, skipped: [1] } })),
      'SIGNATURE_INVALID',
    ],
    [
      'late hashes',
      onType('setEnd', (f) => ({ ...f, end: { ...f.end, lateHashes: new Map() } })),
      'SIGNATURE_INVALID',
    ],
    [
      'last',
      onType('setBegin', (f) => ({ ...f, begin: { ...f.begin, last: false } })),
      'SIGNATURE_INVALID',
    ],
    [
      'to',
      onType('setBegin', (f) => ({ ...f, begin: { ...f.begin, to: 1000 } })),
      'SIGNATURE_INVALID',
    ],
    [
      'mode',
      onType('entries', (f) => ({ ...f, block: { ...f.block, bytes: flip(f.block.bytes, 6) } })),
      'SIGNATURE_INVALID',
    ],
    ['from', onType('setBegin', (f) => ({ ...f, begin: { ...f.begin, from: 1 } })), 'PROTOCOL'],
    [
      'count',
      onType('setBegin', (f) => ({ ...f, begin: { ...f.begin, entryCount: 4 } })),
      'PROTOCOL',
    ],
    [
      'kind',
      onType('setBegin', (f) => ({ ...f, begin: { ...f.begin, kind: 'incremental' } })),
      'PROTOCOL',
    ],
    ['size', onType('fileEnd', () => ({ type: 'jobEnd' })), 'PROTOCOL'],
    ['index', onType('fileBegin', (f) => ({ ...f, index: 0 })), 'PROTOCOL'],
    ['end', onType('setEnd', () => ({ type: 'jobEnd' })), 'PROTOCOL'],
    ['twice', onType('fileBegin', (f) => ({ ...f, index: 1 })), 'PROTOCOL'],
    ['missing', onType('pack', () => ({ type: 'alive' })), 'PROTOCOL'],
  ]
  for (const [what, tamper, code] of cases) {
    const source = sourceWithFiles()
    const binding = new MemoryBinding()
    const result = run(source, binding, { tamper, content: 'push' })
    expect([what, result.refusal?.code]).toEqual([what, code])
    expect([what, binding.entries.size, binding.openSets]).toEqual([what, 0, 0])
  }
})

test('a set signed by another key is not applied', () => {
  const binding = new MemoryBinding()
  const result = run(sourceWithFiles(), binding, { key: 'another' })
  expect(result.refusal?.code).toBe('SIGNATURE_INVALID')
  expect(binding.entries.size).toBe(0)
})
