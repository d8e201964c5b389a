import { expect, test } from 'bun:test'

import type { Frame } from '../../../src/core/wire/frame.ts'
import { createDeltaDesk } from '../../../src/platform/delta-desk.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { type MemoryWireOptions, overMemory } from '../../fakes/memory-wire.ts'
import { random } from '../../fakes/random.ts'

const next = random(3)
const noise = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, () => next(256)))
const OLD = noise(1_000_000)
const NEW = Buffer.concat([OLD.subarray(0, 50_000), noise(77), OLD.subarray(50_000)])

/** A source with one large file, and a target that has it. */
function synchronized(): { source: MemorySource; binding: MemoryBinding } {
  const source = new MemorySource()
  const binding = new MemoryBinding()
  source.write('large', OLD)
  run(source, binding)
  return { source, binding }
}

function run(
  source: MemorySource,
  binding: MemoryBinding,
  options: Partial<MemoryWireOptions> = {},
) {
  const result = overMemory({ source, binding, to: source.headSeq(), ...options })
  expect([source.openHandles, binding.openSets, binding.openBases]).toEqual([0, 0, 0])
  return result
}

function contentOf(binding: MemoryBinding, path: string): string | null {
  const hash = binding.entries.get(path)?.state?.hash ?? null
  const content = hash === null ? undefined : binding.contents.get(hash)
  return content === undefined ? null : hashBytes(content)
}

const typesOf = (frames: readonly Frame[]) => [...new Set(frames.map((frame) => frame.type))]

test('only what changed is sent', () => {
  const { source, binding } = synchronized()
  source.write('large', NEW)
  const result = run(source, binding)
  expect(contentOf(binding, 'large')).toBe(hashBytes(NEW))
  expect(result.contentBytes).toBeLessThan(5000)
  expect(typesOf(result.sent)).toContain('signatureWanted')
})

test('the next change needs no signature, and neither does another target', () => {
  const { source, binding } = synchronized()
  const other = new MemoryBinding()
  run(source, other)
  const deltas = createDeltaDesk()
  source.write('large', NEW)
  run(source, binding, { deltas })
  run(source, other, { deltas })
  const reads = source.reads
  source.write('large', Buffer.concat([noise(99), NEW]))
  const first = run(source, binding, { deltas })
  const readsForOne = source.reads - reads
  const second = run(source, other, { deltas })
  for (const result of [first, second]) {
    expect(typesOf(result.sent)).not.toContain('signatureWanted')
    expect(result.contentBytes).toBeLessThan(5000)
  }
  // The second took what the first had computed: it read no more than what did not match.
  expect(source.reads - reads - readsForOne).toBeLessThan(readsForOne / 2)
  expect(contentOf(other, 'large')).toBe(contentOf(binding, 'large'))
})

test('targets that say the same of the same version share one computation', () => {
  const { source, binding } = synchronized()
  const other = new MemoryBinding()
  run(source, other)
  const deltas = createDeltaDesk()
  source.write('large', NEW)
  const before = source.reads
  run(source, binding, { deltas })
  const readsForOne = source.reads - before
  // The hash is known by now: it says nothing of what the target has.
  run(source, other, { deltas })
  expect(source.reads - before - readsForOne).toBeLessThan(readsForOne)
  expect(contentOf(other, 'large')).toBe(hashBytes(NEW))
})

test('a rename with a change is built from where the file was', () => {
  const { source, binding } = synchronized()
  source.rename('large', 'moved')
  source.rewrite('moved', NEW)
  const result = run(source, binding)
  expect(contentOf(binding, 'moved')).toBe(hashBytes(NEW))
  expect(result.contentBytes).toBeLessThan(5000)
})

test('what lies around a change is compared again in small blocks', () => {
  const big = noise(4 << 20)
  const source = new MemorySource()
  const binding = new MemoryBinding()
  source.write('large', big)
  run(source, binding)
  const edited = Buffer.from(big)
  for (let edit = 0; edit < 20; edit++) noise(10).copy(edited, 100_000 + edit * 200_000)
  source.write('large', edited)
  const fine = run(source, binding)
  expect(contentOf(binding, 'large')).toBe(hashBytes(edited))
  // Alone, an edit costs one block of 4096 bytes or two.
  expect(fine.contentBytes).toBeLessThan(20 * 1100)
})

test('what small blocks have shown for one target serves the others, but not one that says something else', () => {
  const big = noise(4 << 20)
  const source = new MemorySource()
  const [liar, honest, another] = [new MemoryBinding(), new MemoryBinding(), new MemoryBinding()]
  source.write('large', big)
  for (const binding of [liar, honest, another]) run(source, binding)
  const edited = Buffer.from(big)
  for (let edit = 0; edit < 20; edit++) noise(10).copy(edited, 100_000 + edit * 200_000)
  source.write('large', edited)
  const deltas = createDeltaDesk()
  // In small blocks only, so that the source still takes all three for holders of the same version.
  const isSmall = (frame: Frame) => frame.type === 'signature' && frame.blocks.length < 1000
  const reversed = (frame: Frame): Frame =>
    frame.type === 'signature' && isSmall(frame)
      ? { ...frame, blocks: frame.blocks.toReversed() }
      : frame
  run(source, liar, { deltas, tamperBack: reversed })
  const [fromLiar, fromHonest] = [honest, another].map((binding) => {
    const before = source.reads
    const { contentBytes } = run(source, binding, { deltas })
    expect(contentOf(binding, 'large')).toBe(hashBytes(edited))
    expect(contentBytes).toBeLessThan(20 * 1100)
    return source.reads - before
  })
  expect(fromHonest).toBeLessThan(fromLiar ?? 0)
})

test('where small blocks cannot be had any more, the stretch is sent as it is', () => {
  const big = noise(4 << 20)
  const source = new MemorySource()
  const binding = new MemoryBinding()
  source.write('large', big)
  run(source, binding)
  const edited = Buffer.from(big)
  noise(10).copy(edited, 100_000)
  source.write('large', edited)
  const result = run(source, binding, {
    tamperBack: (frame) =>
      frame.type === 'signature' && frame.blocks.length < 1000
        ? { ...frame, blocks: new Uint8Array() }
        : frame,
  })
  expect(contentOf(binding, 'large')).toBe(hashBytes(edited))
  expect(result.contentBytes).toBeWithin(4000, 10_000)
})

test.each([65_540, 131_071, 131_073, 4 << 20, (8 << 20) + 1])(
  'a base and a result of about %d bytes are built from each other',
  (bytes) => {
    const base = noise(bytes)
    const results = [
      base.subarray(1),
      Buffer.concat([base, noise(1)]),
      Buffer.concat([noise(1), base]),
      Buffer.concat([base.subarray(0, bytes >> 1), base.subarray((bytes >> 1) + 1)]),
    ]
    const source = new MemorySource()
    const binding = new MemoryBinding()
    source.write('large', base)
    run(source, binding)
    for (const result of results) {
      source.write('large', result)
      const { contentBytes } = run(source, binding)
      expect(contentOf(binding, 'large')).toBe(hashBytes(result))
      expect(contentBytes).toBeLessThan(3 * 4096)
    }
  },
)

test('with `copy` files go whole', () => {
  const { source, binding } = synchronized()
  source.write('large', NEW)
  const result = run(source, binding, { method: 'copy' })
  expect(result.contentBytes).toBe(NEW.length)
  expect(contentOf(binding, 'large')).toBe(hashBytes(NEW))
})

test.each(['basesAreGone', 'basesBreak', 'basesChange'] as const)(
  'a base that is not what was offered (%s) costs the whole file and no more',
  (trouble) => {
    for (const isKept of [false, true]) {
      const { source, binding } = synchronized()
      const deltas = createDeltaDesk()
      source.write('large', NEW)
      if (isKept) run(source, binding, { deltas })
      const newest = Buffer.concat([NEW, noise(5)])
      source.write('large', newest)
      binding[trouble] = true
      const result = run(source, binding, { deltas })
      expect(result.outcome).toMatchObject({ ok: true })
      expect(result.contentBytes).toBeGreaterThan(1_000_000)
      expect(contentOf(binding, 'large')).toBe(hashBytes(newest))
    }
  },
)

test('a signature of something else costs the whole file and no more', () => {
  const { source, binding } = synchronized()
  source.write('large', NEW)
  const result = run(source, binding, {
    tamperBack: (frame) => {
      if (frame.type !== 'signature') return frame
      // Every block moves one place: all that matches is at the wrong offset.
      const blocks = Buffer.concat([frame.blocks.subarray(24), frame.blocks.subarray(0, 24)])
      return { ...frame, blocks }
    },
  })
  expect(result.outcome).toMatchObject({ ok: true })
  expect(contentOf(binding, 'large')).toBe(hashBytes(NEW))
})

test.each<[string, (frame: Frame) => Frame]>([
  ['a copy from behind the base', (frame) => tampered(frame, { from: 1_000_000 })],
  ['a copy from where numbers end', (frame) => tampered(frame, { from: 2 ** 53 - 1 })],
  ['a copy that is too long for the file', (frame) => tampered(frame, { length: 2_000_000 })],
  ['a copy longer than may be', (frame) => tampered(frame, { length: 2 ** 40 })],
  ['a signature of nothing', (frame) => asked(frame, { length: 0 })],
  ['a signature of too much', (frame) => asked(frame, { length: 2 ** 40 })],
  ['a signature from behind the base', (frame) => asked(frame, { offset: 999_999 })],
  ['blocks that are none', (frame) => asked(frame, { blockBytes: 0 })],
  ['blocks of one byte', (frame) => asked(frame, { blockBytes: 1 })],
  ['blocks of an odd size', (frame) => asked(frame, { blockBytes: 3000 })],
  ['blocks that are too large', (frame) => asked(frame, { blockBytes: 1 << 20 })],
  [
    'changes to what is not wanted',
    (frame) => (frame.type === 'patchBegin' ? { ...frame, index: 5 } : frame),
  ],
  [
    'the end of a whole file',
    (frame) => (frame.type === 'patchEnd' ? { type: 'fileEnd', whole: true } : frame),
  ],
])('%s is refused', (_what, tamper) => {
  const { source, binding } = synchronized()
  source.write('large', NEW)
  const result = run(source, binding, { tamper })
  expect(result.refusal).toMatchObject({ code: 'PROTOCOL' })
  expect(contentOf(binding, 'large')).toBe(hashBytes(OLD))
})

function tampered(frame: Frame, change: Partial<Frame & { type: 'fileCopy' }>): Frame {
  return frame.type === 'fileCopy' ? { ...frame, ...change } : frame
}

function asked(
  frame: Frame,
  change: Partial<(Frame & { type: 'signatureWanted' })['request']>,
): Frame {
  if (frame.type !== 'signatureWanted') return frame
  return { ...frame, request: { ...frame.request, ...change } }
}

test.each<[string, (frame: Frame) => Frame]>([
  [
    'a signature of another length',
    (frame) => (frame.type === 'signature' ? { ...frame, blocks: frame.blocks.slice(1) } : frame),
  ],
  [
    'an answer about another file',
    (frame) => (frame.type === 'patchDone' ? { ...frame, index: 7 } : frame),
  ],
  [
    'an answer that is not due',
    (frame) => (frame.type === 'bases' ? { type: 'patchDone', index: 0, isRebuilt: true } : frame),
  ],
])('%s ends the connection', (_what, tamperBack) => {
  const { source, binding } = synchronized()
  source.write('large', NEW)
  const result = run(source, binding, { tamperBack })
  expect(result.outcome).toMatchObject({ ok: false, error: { code: 'PROTOCOL' } })
  expect(contentOf(binding, 'large')).toBe(hashBytes(OLD))
})

test('wherever the connection is lost, the next job brings the file', () => {
  for (let loseAt = 0; loseAt < 40; loseAt++) {
    const { source, binding } = synchronized()
    const deltas = createDeltaDesk()
    source.write('large', NEW)
    run(source, binding, { loseAt, deltas })
    run(source, binding, { deltas })
    expect(contentOf(binding, 'large')).toBe(hashBytes(NEW))
  }
})

test('a file that changes while it is compared is put back in the journal', () => {
  const { source, binding } = synchronized()
  source.write('large', NEW)
  source.onOpen = () => {
    source.onOpen = null
    source.scribble('large', 'scribbled')
  }
  expect(run(source, binding).outcome).toMatchObject({ ok: true })
  expect(source.resequenced.map(String)).toEqual(['large'])
  run(source, binding)
  expect(contentOf(binding, 'large')).toBe(hashBytes(Buffer.from('scribbled')))
})
