import { expect, test } from 'bun:test'

import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { type MemoryWireOptions, overMemory } from '../../fakes/memory-wire.ts'
import { random } from '../../fakes/random.ts'

const SIZE = 3_000_000

function content(seed: number): Uint8Array {
  const next = random(seed)
  return Uint8Array.from({ length: SIZE }, () => next(256))
}

const OLD = content(1)
const NEW = content(2)

interface Broken {
  readonly source: MemorySource
  readonly binding: MemoryBinding
  readonly keptBytes: number
}

/** A job of one large file that was cut off after some frames. */
function brokenOff(loseAt = 8): Broken {
  const source = new MemorySource()
  const binding = new MemoryBinding()
  source.write('large', OLD)
  expect(run({ source, binding }, { loseAt }).outcome).toBe('lost')
  const keptBytes = [...binding.broken.values()][0]?.length ?? 0
  return { source, binding, keptBytes }
}

function run(
  { source, binding }: Pick<Broken, 'source' | 'binding'>,
  options: Partial<MemoryWireOptions> = {},
) {
  return overMemory({ source, binding, to: source.headSeq(), content: 'push', ...options })
}

function contentOf(binding: MemoryBinding): string {
  const hash = [...binding.entries.values()][0]?.state?.hash
  return Buffer.from((hash && binding.contents.get(hash)) ?? []).toString('latin1')
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

test('a file that was broken off goes on from what is there', () => {
  for (const contentMode of ['push', 'ask'] as const) {
    const broken = brokenOff()
    expect(broken.keptBytes).toBeGreaterThan(500_000)
    const second = run(broken, { content: contentMode })
    expect(second.outcome).toMatchObject({ ok: true, value: { appliedCount: 1 } })
    expect(second.contentBytes).toBe(SIZE - broken.keptBytes)
    expect(contentOf(broken.binding)).toBe(text(OLD))
    expect(broken.source.openHandles).toBe(0)
  }
})

test('it may be broken off again and again, and at the last byte', () => {
  const { source, binding } = brokenOff()
  let sentBytes = 0
  for (let attempt = 0; attempt < 20; attempt++) {
    const result = run({ source, binding }, { loseAt: 6 })
    sentBytes += result.contentBytes
    if (result.outcome !== 'lost') break
  }
  run({ source, binding })
  expect(contentOf(binding)).toBe(text(OLD))
  // Each attempt loses at most the frame on its way.
  expect(sentBytes).toBeLessThan(SIZE * 2)
})

test('what is there whole is not sent again', () => {
  const source = new MemorySource()
  const binding = new MemoryBinding()
  const path = source.write('large', OLD)
  binding.broken.set(source.rows.get(path)?.seq ?? 0, OLD)
  const result = run({ source, binding })
  expect(result.contentBytes).toBe(0)
  expect(contentOf(binding)).toBe(text(OLD))
})

test('what is there and is not what the file begins with is sent from the beginning', () => {
  const { source, binding, keptBytes } = brokenOff()
  const [seq = 0] = binding.broken.keys()
  const spoiled = OLD.slice(0, keptBytes)
  spoiled[1000] = (spoiled[1000] ?? 0) ^ 1
  for (const wrong of [spoiled, Buffer.concat([OLD, OLD])]) {
    binding.broken.set(seq, wrong)
    binding.watermark = null
    binding.contents.clear()
    const result = run({ source, binding })
    expect(result.outcome).toMatchObject({ ok: true })
    expect(result.contentBytes).toBe(SIZE)
    expect(contentOf(binding)).toBe(text(OLD))
  }
})

test('a source that changed meanwhile sends the new file from its beginning', () => {
  const { source, binding } = brokenOff()
  source.write('large', NEW)
  const result = run({ source, binding })
  expect(result.contentBytes).toBe(SIZE)
  expect(contentOf(binding)).toBe(text(NEW))
})

test('a source that changes under the reading of what is there is found out', () => {
  const { source, binding } = brokenOff()
  source.onOpen = () => {
    source.onOpen = null
    source.scribble('large', 'scribbled')
  }
  const first = run({ source, binding })
  expect(first.contentBytes).toBe(0)
  expect(source.resequenced.map(String)).toEqual(['large'])
  run({ source, binding })
  expect(contentOf(binding)).toBe('scribbled')
})

test('a content that was changed without a trace behind the seam does not get through', () => {
  const { source, binding } = brokenOff()
  run({ source, binding: new MemoryBinding() })
  const changed = OLD.slice()
  changed[SIZE - 1] = (changed[SIZE - 1] ?? 0) ^ 1
  source.corrupt('large', text(changed))
  const row = [...source.rows.values()][0]
  if (row?.file) row.file.content = changed
  run({ source, binding })
  expect(binding.entries.size).toBe(0)
  expect(source.resequenced.map(String)).toEqual(['large'])
})
