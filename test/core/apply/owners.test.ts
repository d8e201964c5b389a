import { describe, expect, test } from 'bun:test'

import { fromText } from '../../../src/core/base/byte-string.ts'
import type { OwnerNames } from '../../../src/core/change/entry.ts'
import { at } from '../../platform/tree.suite.ts'
import { Target, file, folder } from './harness.ts'

const WWW = fromText('www')
const STAFF = fromText('staff')

/** A host on which `www` is 33 and `staff` is 50. */
function host(options: ConstructorParameters<typeof Target>[0] = { owner: 'name' }): Target {
  const target = new Target(options)
  target.accounts = {
    uidOf: (name) => (name === WWW ? 33 : null),
    gidOf: (name) => (name === STAFF ? 50 : null),
  }
  return target
}

function ownerOf(target: Target, path: string): readonly (number | undefined)[] {
  const state = target.tree.lstat(at(path))
  return [state?.uid, state?.gid]
}

const by = (ownerNames: OwnerNames) => ({ uid: 1001, gid: 1002, ownerNames })

describe('an owner that comes by name', () => {
  test.each([
    ['is the one of that name here', { user: WWW, group: STAFF }, [33, 50]],
    [
      'is its number where the source has no name for it',
      { user: null, group: null },
      [1001, 1002],
    ],
    ['is its number where the name is not known here', { user: STAFF, group: STAFF }, [1001, 50]],
  ] as const)('%s', (_what, names, owner) => {
    const target = host()
    target.deliver([folder(1, 'd', by(names)), file(2, 'd/a', 'a', by(names))])
    for (const path of ['d', 'd/a']) expect(ownerOf(target, path)).toEqual(owner)
  })

  test('stays so when its folder is put back after something moved its time', () => {
    const target = host()
    target.deliver([folder(1, 'd', by({ user: WWW, group: STAFF }))])
    target.deliver([file(2, 'd/a', 'a')])
    expect(ownerOf(target, 'd')).toEqual([33, 50])
    expect(target.index.get(at('d'))?.state).toMatchObject({ uid: 33, gid: 50 })
  })

  test('is said once where it is not known', () => {
    const target = host()
    const names = { user: fromText('nobody here'), group: STAFF }
    target.deliver([file(1, 'a', 'a', by(names)), file(2, 'b', 'b', by(names))])
    target.deliver([file(3, 'c', 'c', by(names))])
    expect(target.notices).toEqual([
      'user "nobody here" is not known here: files get the number that their source has for it',
    ])
  })

  test('is right also where new files get another owner than the folder they are made in', () => {
    const target = host({ owner: 'id' })
    target.tree.makeDirectory(at('.cd-staging'), 0o700)
    target.tree.makeDirectory(at('.cd-staging/b'), 0o700)
    const ids = { uid: 1001, gid: 1002 }
    const metadata = { mode: null, owner: ids, mtimeNs: null }
    target.tree.setMetadata(at('.cd-staging/b'), 'directory', metadata)
    target.deliver([file(1, 'a', 'a', ids), file(2, 'b', 'b', ids), file(4, 'c', 'c')])
    for (const path of ['a', 'b']) expect(ownerOf(target, path)).toEqual([1001, 1002])
    expect(ownerOf(target, 'c')).toEqual([0, 0])
    expect(target.look()).toEqual(['a a', 'b b', 'c c'])
  })

  test('is nothing to a policy that leaves owners alone', () => {
    const target = host({ owner: 'off' })
    target.deliver([file(1, 'a', 'a', by({ user: WWW, group: STAFF }))])
    expect(ownerOf(target, 'a')).toEqual([0, 0])
  })
})
