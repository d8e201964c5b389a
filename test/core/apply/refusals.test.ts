import { describe, expect, test } from 'bun:test'

import { MemoryDisk } from '../../fakes/memory-disk.ts'
import { type BeforeCall, MemoryTree, treeError } from '../../fakes/memory-tree.ts'
import { at } from '../../platform/tree.suite.ts'
import { EPOCH, MTIME, Target, file, folder, gone, symlink } from './harness.ts'
import { named, update } from './link-cases.ts'
import { groupsIn } from './links.suite.ts'

describe('what the world refuses', () => {
  const failing = (refuse: BeforeCall) => {
    let isOn = false
    const tree = new MemoryTree(new MemoryDisk(), (call, path, bytes) => {
      if (isOn) refuse(call, path, bytes)
    })
    return {
      tree,
      target: new Target({ hardLinks: true }, tree),
      turn: (on: boolean) => (isOn = on),
    }
  }

  test('a full disk makes that entry pending; it is applied when there is room again', () => {
    const { target, turn } = failing((call, path, bytes) => {
      if (call === 'write' && bytes > 10) throw treeError('NO_SPACE', call, path)
    })
    turn(true)
    const large = file(2, 'large', 'a'.repeat(100))
    const result = target.deliver([file(1, 'a', 'one'), large, file(3, 'b', 'two')])
    expect(result.failed).toEqual(['large NO_SPACE'])
    expect(target.look()).toEqual(['a one', 'b two'])
    expect(result.outcome.position).toMatchObject({
      watermark: { epoch: EPOCH, seq: 3 },
      pending: [{ seq: 2, code: 'NO_SPACE' }],
    })
    turn(false)
    const retry = target.deliver([large], { kind: 'retry' })
    expect(retry.wanted).toEqual(['large'])
    expect(retry.outcome.position).toMatchObject({ watermark: { seq: 3 }, pending: [] })
    expect(target.look()).toHaveLength(3)
  })

  test('where a file has no room, none of its names has, and all come when there is', () => {
    const { target, turn } = failing((call, path) => {
      if (call === 'copy') throw treeError('NO_SPACE', call, path)
    })
    target.deliver(['a', 'b', 'c', 'd'].map((path, index) => named(1 + index, path, '1+', 'one')))
    turn(true)
    const split = [update(named(5, 'c', '2+', 'one')), update(named(6, 'd', '2+', 'one'))]
    expect(target.deliver(split).failed).toEqual(['c NO_SPACE', 'd NO_SPACE'])
    expect(groupsIn(target.tree)).toEqual(['a=b=c=d'])
    turn(false)
    expect(target.deliver(split, { kind: 'retry' }).failed).toEqual([])
    expect(groupsIn(target.tree)).toEqual(['a=b', 'c=d'])
  })

  test('a newer version ends what was pending', () => {
    const { target, turn } = failing((call, path, bytes) => {
      if (call === 'write' && bytes > 10) throw treeError('NO_SPACE', call, path)
    })
    turn(true)
    target.deliver([file(1, 'a', 'a'.repeat(100))])
    target.deliver([file(2, 'a', 'one')])
    expect(target.index.pending()).toEqual([])
    target.deliver([file(3, 'b', 'b'.repeat(100))])
    target.deliver([gone(4, 'b')])
    expect(target.index.pending()).toEqual([])
    expect(target.look()).toEqual(['a one'])
  })

  test('content that lies where new content could not come stays there, and is copied', () => {
    const { target, turn } = failing((call, path, bytes) => {
      if (call === 'write' && bytes > 10) throw treeError('NO_SPACE', call, path)
    })
    target.deliver([file(1, 'a', 'one')])
    turn(true)
    const result = target.deliver([
      file(2, 'a', 'x'.repeat(20)),
      file(3, 'b', 'one', { from: 'a' }),
    ])
    expect(result.failed).toEqual(['a NO_SPACE'])
    expect(target.look()).toEqual(['a one', 'b one'])
  })

  test('below the demanded free space content is refused before it is sent, deletions still work', () => {
    const target = new Target({ minFreePercent: 10 })
    target.deliver([file(1, 'a', 'one')])
    target.space = { freeBytes: 105, totalBytes: 1000 }
    const result = target.deliver([file(2, 'b', 'x'.repeat(10)), gone(3, 'a')])
    expect(result.failed).toEqual(['b NO_SPACE'])
    expect(target.look()).toEqual([])
  })

  test.each([
    ['make the folder', 'd'],
    ['rename', '.cd-staging/b/n0'],
    ['change', '.cd-staging/b/n0'],
    ['remove', 'gone'],
  ] as const)('"%s" refused: one entry waits, the others go on', (call, path) => {
    const { target, turn } = failing((tried, on) => {
      if (tried === call && on === at(path)) throw treeError('NO_PERMISSION', tried, on)
    })
    target.deliver([file(1, 'gone', 'x')])
    turn(true)
    const entries = [folder(2, 'd'), file(3, 'a', 'one'), file(4, 'b', 'two'), gone(5, 'gone')]
    const result = target.deliver(entries)
    expect(result.failed).toHaveLength(1)
    expect(result.outcome.appliedCount).toBe(3)
    turn(false)
    target.deliver(entries, { kind: 'retry' })
    expect(target.look()).toEqual(['a one', 'b two', 'd/'])
    expect(target.index.pending()).toEqual([])
  })

  test('a folder whose metadata was refused is ours all the same', () => {
    const { target, turn } = failing((call, path) => {
      if (call === 'change' && path === at('d')) throw treeError('NO_PERMISSION', call, path)
    })
    turn(true)
    const refused = target.deliver([folder(1, 'd', { mtimeNs: 7n }), file(2, 'b', 'x')])
    expect(refused.failed).toEqual(['d NO_PERMISSION'])
    turn(false)
    expect(target.deliver([gone(3, 'd')]).failed).toEqual([])
    expect(target.look()).toEqual(['b x'])
    expect(target.index.claims().size).toBe(0)
  })

  test('what moved with its folder is ours, whatever else is refused of it', () => {
    const { target, turn } = failing((call, path) => {
      if (call === 'change' && path === at('x/a')) throw treeError('NO_PERMISSION', call, path)
    })
    target.deliver([folder(1, 'd'), file(2, 'd/a', 'one')])
    turn(true)
    const entries = [
      folder(3, 'x', { from: 'd' }),
      file(4, 'x/a', 'one', { from: 'd/a', mode: 0o600 }),
      gone(5, 'd/a'),
      gone(6, 'd'),
    ]
    expect(target.deliver(entries).failed).toEqual(['x/a NO_PERMISSION'])
    turn(false)
    expect(target.deliver([file(7, 'x/a', 'two')]).failed).toEqual([])
    expect(target.look()).toEqual(['x/', 'x/a two'])
  })

  test('owners that may not be set are left, said once, and everything else is set', () => {
    let isRefused = false
    const tree = new MemoryTree()
    const setMetadata = tree.setMetadata.bind(tree)
    tree.setMetadata = (...change: Parameters<typeof setMetadata>) => {
      isRefused ||= change[2].owner !== null
      if (change[2].owner !== null) throw treeError('NO_PERMISSION', 'change', change[0])
      setMetadata(...change)
    }
    const target = new Target({}, tree)
    target.deliver([
      folder(1, 'd', { uid: 7, gid: 8 }),
      symlink(2, 'd/l', 'x', { uid: 7 }),
      symlink(3, 'd/m', 'x', { gid: 7 }),
    ])
    expect(isRefused).toBe(true)
    expect(target.notices).toHaveLength(1)
    expect(target.index.pending()).toEqual([])
    expect(tree.lstat(at('d'))).toMatchObject({ mode: 0o755, mtimeNs: MTIME, uid: 0 })
  })

  test('owners and modes that the policy does not send are the target’s own', () => {
    const target = new Target({ owner: 'off', mode: false })
    target.deliver([folder(1, 'd', { uid: 7, mode: 0o700 }), file(2, 'd/a', 'x', { mode: 0o777 })])
    expect(target.tree.lstat(at('d'))).toMatchObject({ uid: 0, mode: 0o755 })
    expect(target.tree.lstat(at('d/a'))).toMatchObject({ uid: 0, mode: 0o644, mtimeNs: MTIME })
  })

  test('set-id bits survive a change of owner', () => {
    const target = new Target()
    target.deliver([file(1, 'a', 'one', { mode: 0o4755 })])
    target.deliver([file(2, 'a', 'one', { mode: 0o4755, uid: 5 })])
    expect(target.tree.lstat(at('a'))).toMatchObject({ mode: 0o4755, uid: 5 })
  })
})
