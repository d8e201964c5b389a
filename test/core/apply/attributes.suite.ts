import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import type { TargetTree } from '../../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../../src/core/base/byte-string.ts'
import { ACCESS_LIST, type Attributes } from '../../../src/core/change/attributes.ts'
import { accessList } from '../../fakes/access-lists.ts'
import { BINDS, at, get } from '../../platform/tree.suite.ts'
import { Target, fifo, file, folder, gone, symlink } from './harness.ts'

const BOTH = { xattrs: true, acls: true }
const LIST = accessList('u::rw-', 'u:1001:rw-', 'g::r--', 'm::rw-', 'o::---')
const HANDED_DOWN = accessList('u::rwx', 'u:1001:rwx', 'g::r-x', 'm::rwx', 'o::---')
const NONE = attributes({})

/** Attributes as a source sends them: `user.` names with their values, and access lists. */
function attributes(
  values: Readonly<Record<string, string>>,
  access: ByteString | null = null,
  inherited: ByteString | null = null,
): Attributes {
  const xattrs = Object.entries(values).map(([name, value]) => ({
    name: `user.${name}` as ByteString,
    value: value as ByteString,
  }))
  return { xattrs, acls: { access, inherited } }
}

/** What the machine does with attributes, on any tree that holds them. */
export function applyAttributesSuite(
  name: string,
  make: () => { tree: TargetTree; dispose: () => void },
): void {
  describe(name, () => {
    let fixture: ReturnType<typeof make>
    const target = (options: Partial<ApplyOptions> = BOTH) => new Target(options, fixture.tree)
    const look = (path: string) => fixture.tree.lstatClosely(at(path), BOTH)
    const set = (path: string, key: ByteString, value: ByteString | null) => {
      const handle = fixture.tree.openMetadata(at(path), look(path)?.type ?? 'file')
      handle.setAttribute(key, value)
      handle.close()
    }
    beforeEach(() => {
      fixture = make()
    })
    afterEach(() => fixture.dispose())

    test('everything arrives with its attributes, whatever its content comes from', () => {
      const to = target()
      const one = { attributes: attributes({ a: '1', b: '' }, LIST), mode: 0o660 }
      to.deliver([
        folder(1, 'd', { attributes: attributes({ c: '2' }, null, HANDED_DOWN), mode: 0o2755 }),
        file(2, 'd/new', 'new', one),
        file(3, 'd/large', 'x'.repeat(200_000), one),
        file(4, 'd/empty', '', one),
        symlink(5, 'd/l', 'new', { attributes: NONE }),
        fifo(6, 'd/p', { attributes: attributes({}, LIST), mode: 0o660 }),
        folder(7, 'd/inner', { attributes: NONE, mode: 0o755 }),
      ])
      to.deliver([file(8, 'copy', 'new', one), file(9, 'plain', 'new', { attributes: NONE })])
      for (const path of ['d/new', 'd/large', 'd/empty', 'copy'])
        expect(look(path)).toMatchObject({ ...one, mode: 0o660 })
      expect(look('d')).toMatchObject({
        attributes: attributes({ c: '2' }, null, HANDED_DOWN),
        mode: 0o2755,
      })
      for (const path of ['d/l', 'd/inner', 'plain']) expect(look(path)?.attributes).toEqual(NONE)
      expect(look('d/p')).toMatchObject({ attributes: attributes({}, LIST), mode: 0o660 })
    })

    test.each([
      ['set', NONE, 0o644, attributes({ a: '1' }, LIST), 0o660],
      ['changed', attributes({ a: '1', b: '2' }), 0o644, attributes({ a: 'x', c: '3' }), 0o644],
      ['taken away', attributes({ a: '1' }, LIST), 0o660, NONE, 0o604],
      ['kept under another mode', attributes({}, LIST), 0o660, attributes({}, LIST), 0o4660],
    ] as const)('attributes are %s in place', (...[, before, mode, after, newMode]) => {
      const to = target()
      to.deliver([file(1, 'a', 'one', { attributes: before, mode })])
      const inode = look('a')?.inode
      const result = to.deliver([file(2, 'a', 'one', { attributes: after, mode: newMode })])
      expect(result.wanted).toEqual([])
      expect(look('a')).toMatchObject({ attributes: after, mode: newMode, inode: inode ?? 0n })
    })

    test('what the source does not have goes, in what the policy sends and nothing else', () => {
      const to = target()
      to.deliver([file(1, 'a', 'one', { attributes: NONE })])
      set('a', 'user.mine' as ByteString, 'x' as ByteString)
      set('a', 'trusted.mine' as ByteString, 'x' as ByteString)
      set('a', ACCESS_LIST, LIST)
      to.deliver([file(2, 'a', 'one', { attributes: NONE })])
      expect(look('a')).toMatchObject({ attributes: NONE, mode: 0o644 })
    })

    test.each([
      ['the entry does not speak of', BOTH, { xattrs: null, acls: null }],
      ['the policy here leaves alone', { xattrs: false, acls: false }, NONE],
      ['the source cannot tell', BOTH, { xattrs: 'XATTRS_TOO_LARGE', acls: 'ACLS_UNREADABLE' }],
    ] as const)('what %s stays', (...[, options, sent]) => {
      const to = target(options)
      to.deliver([file(1, 'a', 'one', { mode: 0o660 })])
      set('a', 'user.mine' as ByteString, 'x' as ByteString)
      set('a', ACCESS_LIST, LIST)
      to.deliver([file(2, 'a', 'one', { attributes: sent, mode: 0o660 })])
      expect(look('a')?.attributes).toEqual(attributes({ mine: 'x' }, LIST))
    })

    test('each kind is a matter of its own', () => {
      for (const [xattrs, acls] of [
        [true, false],
        [false, true],
      ] as const) {
        const to = target({ xattrs, acls })
        const path = `${xattrs}`
        to.deliver(
          [file(1, path, 'one', { attributes: attributes({ a: '1' }, LIST), mode: 0o660 })],
          {
            kind: 'full',
          },
        )
        expect(look(path)?.attributes).toEqual(
          attributes(xattrs ? { a: '1' } : {}, acls ? LIST : null),
        )
      }
    })

    test('a file whose content was right but lay elsewhere takes nothing along', () => {
      const to = target()
      to.deliver([file(1, 'a', 'one', { attributes: attributes({ a: '1' }, LIST), mode: 0o660 })])
      to.deliver([file(2, 'b', 'one', { attributes: NONE, from: 'a' }), gone(3, 'a')])
      expect(look('b')).toMatchObject({ attributes: NONE, mode: 0o644 })
      expect(look('a')).toBeNull()
    })

    test('privileges outlive a change of owner', () => {
      const to = target()
      const privileged: Attributes = {
        xattrs: [{ name: 'security.capability' as ByteString, value: BINDS }],
        acls: { access: null, inherited: null },
      }
      to.deliver([file(1, 'a', 'one', { attributes: privileged, uid: 1, gid: 2, mode: 0o755 })])
      expect(look('a')).toMatchObject({ attributes: privileged, uid: 1, gid: 2 })
      to.deliver([file(2, 'a', 'one', { attributes: privileged, uid: 3, gid: 4, mode: 0o4755 })])
      expect(look('a')).toMatchObject({ attributes: privileged, uid: 3, gid: 4, mode: 0o4755 })
    })

    test('a folder that hands down a list does not give it to what comes', () => {
      const to = target()
      const shared = { attributes: attributes({}, null, HANDED_DOWN), mode: 0o755 }
      to.deliver([folder(1, '', shared), file(2, 'a', 'one', { attributes: NONE })])
      to.deliver([
        file(3, 'b', 'two', { attributes: NONE }),
        folder(4, 'd', { attributes: NONE }),
        file(5, 'd/c', 'three', { attributes: NONE }),
      ])
      for (const path of ['a', 'b', 'd', 'd/c']) expect(look(path)?.attributes).toEqual(NONE)
      expect(look('')?.attributes).toEqual(shared.attributes)
    })

    test('a folder that this host lost comes back with its list, not with the mode of its mask alone', () => {
      const to = target()
      const list = accessList('u::rwx', 'u:1001:rwx', 'g::---', 'm::rwx', 'o::---')
      const shared = { attributes: attributes({}, list), mode: 0o770 }
      to.deliver([folder(1, 'd', shared), folder(2, 'd/e', shared)])
      for (const path of ['d/e', 'd']) fixture.tree.removeDirectory(at(path))
      to.deliver([file(3, 'd/e/a', 'one', { attributes: NONE })])
      for (const path of ['d', 'd/e']) expect(look(path)).toMatchObject(shared)
      expect(get(fixture.tree, at('d/e/a'))).toBe('one')
    })

    test('accounts in lists are those of their names here', () => {
      const to = target({ ...BOTH, owner: 'name' })
      to.accounts = {
        uidOf: (one) => (one === fromText('anna') ? 2001 : null),
        gidOf: (one) => (one === fromText('staff') ? 2002 : null),
      }
      const sent = accessList(
        'u::rw-',
        'u:1001:r--',
        'u:1003:r--',
        'g::r--',
        'g:1002:rw-',
        'm::rw-',
        'o::---',
      )
      const listed = [
        { kind: 'user', id: 1001, name: fromText('anna') },
        { kind: 'user', id: 1003, name: fromText('unknown') },
        { kind: 'group', id: 1002, name: fromText('staff') },
      ] as const
      const ownerNames = { user: null, group: null, listed }
      to.deliver([
        file(1, 'a', 'one', { attributes: attributes({}, sent), ownerNames, mode: 0o660 }),
      ])
      expect(look('a')?.attributes?.acls).toEqual({
        access: accessList(
          'u::rw-',
          'u:2001:r--',
          'u:1003:r--',
          'g::r--',
          'g:2002:rw-',
          'm::rw-',
          'o::---',
        ),
        inherited: null,
      })
      expect(to.notices).toEqual([
        'user "unknown" is not known here: files get the number that their source has for it',
      ])
    })

    test('without modes, a list is set and taken away all the same', () => {
      const to = target({ ...BOTH, mode: false })
      to.deliver([file(1, 'a', 'one', { attributes: attributes({}, LIST), mode: 0o660 })])
      expect(look('a')?.attributes).toEqual(attributes({}, LIST))
      to.deliver([file(2, 'a', 'one', { attributes: NONE, mode: 0o600 })])
      expect(look('a')).toMatchObject({ attributes: NONE, mode: 0o660 })
    })
  })
}
