import type { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { type MemoryWireOptions, overMemory } from '../../fakes/memory-wire.ts'

export const LARGE = 'x'.repeat(700_000)

/** A folder, files small, empty and large, and a link. */
export function sourceWithFiles(): MemorySource {
  const source = new MemorySource()
  source.folder('d')
  source.write('d/a', 'alpha')
  source.write('d/empty', '')
  source.write('large', LARGE)
  source.link('l', 'd/a')
  return source
}

/** What a target of that holds. */
export const ALL = ['d directory', 'd/a alpha', 'd/empty ', 'l d/a', `large ${LARGE}`]

/** One job from a source to a target, up to where the source is now. */
export function run(
  source: MemorySource,
  binding: MemoryBinding,
  options: Partial<MemoryWireOptions> = {},
) {
  return overMemory({ source, binding, to: source.headSeq(), ...options })
}
