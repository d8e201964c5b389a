import { expect, test } from 'bun:test'

import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { overMemory } from '../../fakes/memory-wire.ts'

function sourceWithFiles(): MemorySource {
  const source = new MemorySource()
  source.folder('d')
  source.write('d/a', 'alpha')
  source.write('large', 'x'.repeat(700_000))
  return source
}

function run(source: MemorySource, binding: MemoryBinding) {
  return overMemory({ source, binding, to: source.headSeq(), content: 'push' })
}

test.each(['append', 'rewrite'])(
  'a file that never rests (%s) is sent as far as it goes, and looked at again',
  (how) => {
    for (const [name, size] of [
      ['d/a', 5],
      ['large', 400_000],
    ] as const) {
      const source = sourceWithFiles()
      const binding = new MemoryBinding()
      const path = source.write(name, 'x'.repeat(size))
      source.restless.add(path)
      let writes = 0
      source.onOpen = (opened) => {
        if (opened !== path) return
        writes++
        const text = how === 'append' ? 'x'.repeat(size + writes) : `${writes}`.repeat(size)
        source.scribble(name, text)
      }
      expect(run(source, binding).outcome).toMatchObject({ ok: true })
      const listed = binding.listing().find((line) => line.startsWith(`${name} `))
      expect(listed?.length).toBe(name.length + 1 + size)
      expect(source.resequenced).toEqual([])
      expect(source.lookedAtLater).toEqual([path])
    }
  },
)

test('a restless file that is shorter by now is left out', () => {
  const source = sourceWithFiles()
  const binding = new MemoryBinding()
  source.restless.add(source.write('d/a', 'long'))
  source.onOpen = (path) => {
    if (path === 'd/a') source.scribble('d/a', 's')
  }
  expect(run(source, binding).outcome).toMatchObject({ ok: true })
  expect(source.resequenced.map(String)).toEqual(['d/a'])
  expect(binding.listing().some((line) => line.startsWith('d/a '))).toBe(false)
})
