import { expect, test } from 'bun:test'

import { attributeSuite } from '../platform/attributes.suite.ts'
import { targetTreeSuite } from '../platform/target-tree.suite.ts'
import { type TreeFixture, at, get, put, readTreeSuite } from '../platform/tree.suite.ts'
import { MemoryTree } from './memory-tree.ts'

const fixture = (): TreeFixture => {
  const tree = new MemoryTree()
  return { reader: tree, writer: tree, dispose: () => undefined }
}

readTreeSuite('tree in memory, reading', fixture)
targetTreeSuite('tree in memory, writing', fixture)
attributeSuite('tree in memory, attributes', fixture)

test('a power cut takes what was not synced', () => {
  const tree = new MemoryTree()
  put(tree, at('a'), 'old')
  tree.sync()
  tree.rename(at('a'), at('b'))
  put(tree, at('c'), 'new')
  tree.disk.cutPower({ keptChanges: 0, losesContent: false })
  expect(get(tree, at('a'))).toBe('old')
  expect(tree.list(at(''))).toEqual([at('a')])
})

test('a power cut may keep names and lose contents', () => {
  const tree = new MemoryTree()
  put(tree, at('new'), 'content')
  tree.rename(at('new'), at('a'))
  tree.disk.cutPower({ keptChanges: tree.disk.unsyncedChanges, losesContent: true })
  expect(get(tree, at('a'))).toBe('')
})

test('changes made again on what was durable do exactly the same', () => {
  const tree = new MemoryTree()
  put(tree, at('a'), 'one')
  tree.makeDirectory(at('d'), 0o700)
  tree.sync()
  tree.unlink(at('a'))
  put(tree, at('d/b'), 'two')
  tree.rename(at('d'), at('e'))
  const before = tree.lstat(at('e/b'))
  tree.disk.cutPower({ keptChanges: tree.disk.unsyncedChanges, losesContent: false })
  expect(tree.lstat(at('e/b'))).toEqual(before)
})
