import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Absence, IndexBatch, IndexStore } from '../../src/core/apply/index-store.ts'
import type { Note } from '../../src/core/apply/notes.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import { IndexFile } from '../../src/store/index-file.ts'
import type { HeldRange, Holding } from '../../src/store/index-holding.ts'
import { MemoryHolding } from '../fakes/memory-holding.ts'
import { MemoryIndex } from '../fakes/memory-index.ts'
import { NOTHING, row } from './index.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-holding-'))
const files: IndexFile[] = []

afterAll(() => {
  for (const file of files) file.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Pair {
  readonly index: IndexStore
  readonly holding: Pick<Holding, 'position' | 'rows'>
}

function inMemory(): Pair {
  const index = new MemoryIndex()
  return { index, holding: new MemoryHolding(index) }
}

/** The holder's Sync Server writes; whoever sends from it reads beside that. */
function inSqlite(): Pair {
  const file = join(folder, `index-${files.length}.db`)
  const writing = IndexFile.open(file)
  const index = writing.binding('b')
  const reading = IndexFile.openReadOnly(file)
  files.push(writing, reading)
  return { index, holding: reading.holding('b') }
}

const EPOCH = 'epoch-1'
const at = (seq: number) => ({ epoch: EPOCH, seq })
const ALL: HeldRange = { after: 0, upTo: 100, limit: 100, liveOnly: false }
const ROWS = [row('three', { seq: 3 }), row('one', { seq: 1 }), row('five', { seq: 5 })]

function absence(path: string, seq: number, change: Partial<Absence> = {}): Absence {
  return { path: path as RelPath, epoch: EPOCH, seq, operation: 'delete', ...change }
}

function broken(code: Note): Partial<IndexBatch> {
  return { notes: [{ seq: 1, path: 'one' as RelPath, code }] }
}

describe.each([
  ['in memory', inMemory],
  ['in SQLite', inSqlite],
])('what is held, %s', (_, make) => {
  const holder = (...batches: Partial<IndexBatch>[]) => {
    const { index, holding } = make()
    for (const batch of batches) index.commit({ ...NOTHING, ...batch })
    const look = (range: Partial<HeldRange> = {}) =>
      holding
        .rows({ ...ALL, ...range })
        ?.map((one) => (one.kind === 'present' ? `${one.row.path}` : `-${one.path}`)) ?? null
    return { index, holding, look }
  }
  const whole = { puts: ROWS, watermark: at(9) }

  test('nothing, before anything was received to its end', () => {
    const { holding, look } = holder({ puts: ROWS })
    expect([holding.position(), look()]).toEqual([null, null])
  })

  test.each<[string, Partial<HeldRange>, string[]]>([
    ['all', {}, ['one', '-two', 'three', '-four', 'five']],
    ['a stretch', { after: 1, upTo: 4 }, ['-two', 'three', '-four']],
    ['as many as are asked for', { limit: 2 }, ['one', '-two']],
    ['only what is there', { liveOnly: true }, ['one', 'three', 'five']],
  ])('in order of seq: %s', (_name, range, expected) => {
    const { look } = holder(whole, { absences: [absence('four', 4), absence('two', 2)] })
    expect(look(range)).toEqual(expected)
  })

  test('what left is told from its full list on, and as what', () => {
    const left = { absences: [absence('six', 6), absence('old', 2, { epoch: 'epoch-0' })] }
    const { holding } = holder({ ...whole, ...left }, { watermark: at(12) })
    expect(holding.position()).toEqual({ ...at(12), absentSince: 9 })
    expect(holding.rows({ ...ALL, after: 5 })).toEqual([
      { kind: 'absent', path: 'six' as RelPath, seq: 6, operation: 'delete' },
    ])
    expect(holding.rows({ ...ALL, after: 1, upTo: 2 })).toEqual([])
  })

  test('what left and came again is there', () => {
    const excluded = absence('six', 6, { operation: 'excluded' })
    const { look } = holder(whole, { absences: [excluded] }, { puts: [row('six', { seq: 7 })] })
    expect(look({ after: 5 })).toEqual(['six'])
  })

  test.each([
    ['held', ['three', 'five', '-one']],
    ['kept', ['three', 'five', '-one']],
    ['delete', ['three', 'five']],
  ] as const)('what stays here and was said to be: %s', (operation, listed) => {
    const left = { puts: [row('one', { seq: 6 })], absences: [absence('one', 6, { operation })] }
    const { look } = holder(whole, left)
    expect(look()).toEqual(['three', 'five', '-one'])
    expect(look({ liveOnly: true })).toEqual([...listed])
  })

  test.each<[string, Partial<IndexBatch>]>([
    ["another source's version lies somewhere", broken('CONFLICT')],
    ['something cannot be held at all', broken('TYPE_UNSUPPORTED')],
    ['another epoch is taken in', { puts: [row('six', { epoch: 'epoch-2', seq: 6 })] }],
  ])('nothing, where %s', (_name, batch) => {
    expect(holder(whole, batch).look()).toBeNull()
  })

  test('nothing, while something is pending', () => {
    const failed = { seq: 5, path: 'five' as RelPath, code: 'NO_SPACE', message: 'full' } as const
    const pending = { ...failed, isDeletion: false, list: 1, held: null }
    const { index, look } = holder(whole, { pendingPuts: [pending] })
    expect(look()).toBeNull()
    index.commit({ ...NOTHING, pendingRemoves: [pending.path] })
    expect(look({ liveOnly: true })).toEqual(['one', 'three', 'five'])
  })

  test('with less than was sent, all the same', () => {
    expect(holder(whole, broken('OWNER_REFUSED')).look()).toEqual(['one', 'three', 'five'])
  })
})
