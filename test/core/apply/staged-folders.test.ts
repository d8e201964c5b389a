import { beforeEach, describe, expect, test } from 'bun:test'

import { AppError } from '../../../src/core/base/errors.ts'
import { plainList } from '../../../src/core/change/access-list.ts'
import { INHERITED_LIST } from '../../../src/core/change/attributes.ts'
import { ROOT, type RelPath } from '../../../src/core/path/rel-path.ts'
import { MemoryDisk } from '../../fakes/memory-disk.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { MTIME, Target, file, folder, gone } from './harness.ts'

// Small files have even seqs here: the harness sends them so.
const NEW = [folder(1, 'd'), folder(2, 'd/e'), file(4, 'd/a', 'one'), file(6, 'd/e/b', 'two')]
const THERE = ['d/', 'd/a one', 'd/e/', 'd/e/b two']

describe('new folders', () => {
  /** The types of what was renamed. */
  let renames: (string | undefined)[]
  let refuse: (from: RelPath) => void
  let tree: MemoryTree
  let target: Target
  beforeEach(() => {
    renames = []
    refuse = () => undefined
    tree = new MemoryTree(new MemoryDisk(), (call, path) => {
      if (call !== 'rename') return
      refuse(path)
      renames.push(tree.lstat(path)?.type)
    })
    target = new Target({}, tree)
  })

  test('come with all that is in them, one step each, and look as sent', () => {
    expect(target.deliver(NEW).failed).toEqual([])
    expect(target.look()).toEqual(THERE)
    expect(renames).toEqual(['directory', 'directory'])
    for (const path of ['d', 'd/e'])
      expect(tree.lstat(at(path))).toMatchObject({ mode: 0o755, mtimeNs: MTIME })
    expect(target.index.get(at('d/e/b'))?.stat.ctimeNs).toBe(tree.lstat(at('d/e/b'))?.ctimeNs ?? 0n)
    expect(target.index.claims().size).toBe(0)
  })

  test('come without what is large, which follows', () => {
    expect(target.deliver([...NEW, file(7, 'd/e/large', 'three')]).failed).toEqual([])
    expect(target.look()).toEqual([...THERE, 'd/e/large three'])
    expect(renames).toEqual(['directory', 'directory', 'file'])
  })

  test('come without what changed while it was sent', () => {
    expect(target.deliver(NEW, { skipped: [4] }).failed).toEqual([])
    expect(target.look()).toEqual(['d/', 'd/e/', 'd/e/b two'])
  })

  test('come without what is not what was announced', () => {
    const { failed } = target.deliver(NEW, { tampered: true })
    expect(failed).toEqual(['d/a HASH_MISMATCH', 'd/e/b HASH_MISMATCH'])
    expect(target.look()).toEqual(['d/', 'd/e/'])
  })

  test('are left alone where they have come meanwhile, and get what is new', () => {
    const beforeApply = () => {
      tree.makeDirectory(at('d'), 0o755)
      put(tree, at('d/own'), 'own')
    }
    expect(target.deliver(NEW, { beforeApply }).failed).toEqual([])
    expect(target.look()).toEqual([...THERE, 'd/own own'])
  })

  test('keep what has come to their places in the last moment', () => {
    refuse = () => {
      refuse = () => undefined
      tree.makeDirectory(at('d'), 0o755)
      put(tree, at('d/a'), 'own')
    }
    expect(target.deliver(NEW).failed).toEqual(['d EXTRA_IN_THE_WAY', 'd/a EXTRA_IN_THE_WAY'])
    expect(target.look()).toEqual(['d/', 'd/a own', 'd/e/', 'd/e/b two'])
  })

  test('are made in their places where the file system cannot move folders there', () => {
    refuse = (from) => {
      if (tree.lstat(from)?.type === 'directory') throw new AppError('IO_ERROR', 'another project')
    }
    expect(target.deliver(NEW).failed).toEqual([])
    expect(target.look()).toEqual(THERE)
    expect(renames).toEqual(['file', 'file'])
  })

  test('in a folder that was there before come so too', () => {
    target.deliver([folder(1, 'd')])
    renames = []
    target.deliver([folder(3, 'd/e'), file(4, 'd/e/a', 'one'), file(6, 'd/e/b', 'two')])
    expect(target.look()).toEqual(['d/', 'd/e/', 'd/e/a one', 'd/e/b two'])
    expect(renames).toEqual(['directory'])
  })

  test.each(['', 'd'])('where %p hands an access list down are made in their places', (path) => {
    target.deliver([folder(1, 'd')])
    const handle = tree.openMetadata(at(path), 'directory')
    handle.setAttribute(INHERITED_LIST, plainList(0o750))
    handle.close()
    renames = []
    const sent = [folder(3, 'd/e'), file(4, 'd/e/a', 'one'), file(6, 'd/e/b', 'two')]
    expect(target.deliver(sent).failed).toEqual([])
    expect(renames).toEqual(['file', 'file'])
  })

  test('in a folder that hands its group down are made in their places', () => {
    tree.setMetadata(ROOT, 'directory', { mode: 0o2755, owner: null, mtimeNs: null })
    const inner = folder(3, 'd/e', { mode: 0o2755 })
    target.deliver([folder(1, 'd'), inner, file(4, 'd/a', 'one'), file(6, 'd/e/b', 'two')])
    expect(renames).toEqual(['file', 'file'])
    tree.setMetadata(ROOT, 'directory', { mode: 0o755, owner: null, mtimeNs: null })
    renames = []
    const sent = [
      folder(11, 'x', { mode: 0o2755 }),
      folder(13, 'x/y'),
      file(14, 'x/y/z', 'new'),
      file(16, 'x/w', 'old'),
    ]
    expect(target.deliver(sent).failed).toEqual([])
    expect(renames).toEqual(['directory', 'file'])
    expect(tree.lstat(at('x'))?.mode).toBe(0o2755)
  })

  test('of which a set died on the way leave nothing in staging', () => {
    refuse = () => {
      throw new Error('killed')
    }
    expect(() => target.deliver(NEW)).toThrow('killed')
    refuse = () => undefined
    target.restart()
    expect(target.look()).toEqual([])
    expect(target.deliver([gone(7, 'd')]).failed).toEqual([])
  })
})
