import { expect, test } from 'bun:test'

import type { RelPath } from '../../../src/core/path/rel-path.ts'
import { MemoryBinding } from '../../fakes/memory-binding.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { overMemory } from '../../fakes/memory-wire.ts'

const COUNT = 2000

/** A source whose files went unnoticed; it counts what is asked of it. */
class VanishedSource extends MemorySource {
  looks = 0
  calls = 0

  constructor() {
    super()
    for (let index = 0; index < COUNT; index++) this.write(`f${index}`, 'x')
    for (const row of this.rows.values()) row.file = null
    const { tree } = this
    const open = tree.open.bind(tree)
    Object.assign(tree, { open: (path: RelPath) => (this.looks++, open(path)) })
  }

  // The rows were given out before the files went.
  override changes(range: Parameters<MemorySource['changes']>[0]) {
    return super.changes({ ...range, liveOnly: false })
  }

  override resequence(paths: readonly RelPath[]) {
    this.calls++
    return super.resequence(paths)
  }
}

test.each(['push', 'ask'] as const)(
  'thousands of files that are gone leave others their turn, and the journal one: %s',
  (content) => {
    const source = new VanishedSource()
    let most = 0
    const onStep = () => {
      most = Math.max(most, source.looks)
      source.looks = 0
    }
    const to = source.headSeq()
    overMemory({ source, binding: new MemoryBinding(), to, content, onStep })
    expect(source.resequenced).toHaveLength(COUNT)
    expect(source.calls).toBe(1)
    expect(most).toBeLessThanOrEqual(64)
  },
)
