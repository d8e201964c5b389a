import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ContentHash, FileKey } from '../../src/core/change/entry.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import { IndexFile } from '../../src/store/index-file.ts'
import { MemoryIndex } from '../fakes/memory-index.ts'
import { NOTHING, indexOthersSuite, indexSuite, row } from './index.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-index-'))
const files: IndexFile[] = []
let count = 0
let name = ''

const open = (): IndexFile => {
  const file = IndexFile.open(join(folder, name))
  files.push(file)
  return file
}

afterAll(() => {
  for (const file of files) file.close()
  rmSync(folder, { recursive: true, force: true })
})

indexSuite('index in memory', () => new MemoryIndex())
indexSuite(
  'index in SQLite',
  () => {
    name = `index-${count++}.db`
    return open().binding('binding-1')
  },
  () => open().binding('binding-1'),
)

indexOthersSuite('index in memory', () => {
  const all = new Map<string, MemoryIndex>()
  return { one: new MemoryIndex('one', all), other: new MemoryIndex('other', all) }
})
indexOthersSuite('index in SQLite', () => {
  name = `index-${count++}.db`
  const file = open()
  return { one: file.binding('one'), other: file.binding('other') }
})

test('bindings in one file know nothing of each other', () => {
  name = `index-${count++}.db`
  const file = open()
  const one = file.binding('one')
  const other = file.binding('other')
  one.claim(['c' as RelPath])
  one.commit({ ...NOTHING, puts: [row('a')], watermark: { epoch: 'e', seq: 1 } })
  expect(other.get('a' as RelPath)).toBeNull()
  expect(other.watermark()).toBeNull()
  expect(other.claims().size).toBe(0)
  expect(file.binding('one')).toBe(one)
  expect(file.existing('none')).toBeNull()
})

test('the root is remembered', () => {
  name = `index-${count++}.db`
  const root = { inode: 0xffff_ffff_ffff_fffen, birthNs: 17n, isMountPoint: true }
  expect(open().binding('b').root()).toBeNull()
  open().binding('b').keepRoot(root)
  expect(open().binding('b').root()).toEqual(root)
})

test('a batch that cannot be written leaves everything as it was', () => {
  name = `index-${count++}.db`
  const index = open().binding('b')
  index.commit({ ...NOTHING, puts: [row('a')] })
  const broken = { ...row('b'), seq: Number.NaN }
  expect(() => index.commit({ ...NOTHING, removes: ['a' as RelPath], puts: [broken] })).toThrow()
  expect(index.get('a' as RelPath)).not.toBeNull()
  index.commit({ ...NOTHING, puts: [row('c', { epoch: 'new' })] })
  expect(
    open()
      .binding('b')
      .get('c' as RelPath)?.epoch,
  ).toBe('new')
})

test('of a file without names nothing is kept over a restart', () => {
  name = `index-${count++}.db`
  const stat = { ...row('a').stat, inode: 7n }
  const fileKey = '1.2' as FileKey
  const named = { ...row('a'), stat, state: { ...row('a').state, fileKey } }
  const shared = [7n, 8n].map((inode) => ({ inode, fileKey, ctimeNs: 5n }))
  open()
    .binding('b')
    .commit({ ...NOTHING, puts: [named], shared })
  const index = open().binding('b')
  expect(index.get('a' as RelPath)?.sharedCtimeNs).toBe(5n)
  const late = { ...named, path: 'b' as RelPath, stat: { ...stat, inode: 8n } }
  index.commit({ ...NOTHING, puts: [late] })
  expect(index.get('b' as RelPath)?.sharedCtimeNs).toBeUndefined()
})

test('20,000 rows are written in the time of a receipt', () => {
  name = `index-${count++}.db`
  const index = open().binding('b')
  const puts = Array.from({ length: 20_000 }, (_, one) => row(`folder-${one % 100}/file-${one}`))
  const startedMs = performance.now()
  index.commit({ ...NOTHING, puts })
  // 0.15 s on the machine this was measured on; the bound only catches a lost index or transaction.
  expect(performance.now() - startedMs).toBeLessThan(3000)
  expect(index.below('folder-7' as RelPath, 1000)).toHaveLength(200)
})

test('content is found through the index of hashes, however many rows there are', () => {
  name = `index-${count++}.db`
  const file = open()
  const hashOf = (one: number) => one.toString(16).padStart(64, '0') as ContentHash
  const timeOf = (rows: number): number => {
    const index = file.binding(`with ${rows}`)
    const puts = Array.from({ length: rows }, (_, one) => row(`file-${one}`, { hash: hashOf(one) }))
    index.commit({ ...NOTHING, puts })
    const startedMs = performance.now()
    for (let one = 0; one < 1000; one++) index.findByHash(hashOf(rows - 1 - (one % rows)), 16)
    return performance.now() - startedMs
  }
  // A walk through all rows takes a hundred times as long as one through a hundredth of them.
  expect(timeOf(20_000) / timeOf(200)).toBeLessThan(20)
})
