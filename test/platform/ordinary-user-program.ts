// Tries on the tree given as argument what an ordinary user may and may not do; prints what came of each.
import type { Metadata } from '../../src/core/apply/target-tree.ts'
import type { ByteString } from '../../src/core/base/byte-string.ts'
import { ACCESS_LIST } from '../../src/core/change/attributes.ts'
import { openTargetTree } from '../../src/platform/trees.ts'
import { accessList } from '../fakes/access-lists.ts'
import { BINDS, at, codeOf, put } from './tree.suite.ts'

const BOTH = { xattrs: true, acls: true }
const NOTHING = '' as ByteString
const ATTRIBUTES: Readonly<Record<string, ByteString>> = {
  [ACCESS_LIST]: accessList('u::rw-', 'u:1001:rw-', 'g::r--', 'm::rw-', 'o::---'),
  'security.capability': BINDS,
}

// Given up here and not by whoever starts this: an ordinary user may not even reach the checkout.
process.setgroups?.([])
process.setgid?.(65_534)
process.setuid?.(65_534)

const tree = openTargetTree(process.argv[2] ?? '')
const change = (part: Partial<Metadata>): void =>
  tree.setMetadata(at('own/file'), 'file', { mode: null, owner: null, mtimeNs: null, ...part })

put(tree, at('own/file'), 'x')
const setOn = (path: string, name: string): string | null => {
  const handle = tree.openMetadata(at(path), 'file')
  const refusal = handle.setAttribute(name as ByteString, ATTRIBUTES[name] ?? NOTHING)
  handle.close()
  return refusal
}
const onOwn = {
  'give an own file an attribute': setOn('own/file', 'user.a'),
  'give an own file an access list': setOn('own/file', ACCESS_LIST),
  'give an own file privileges': setOn('own/file', 'security.capability'),
  'give a file of others an attribute': setOn('foreign', 'user.a'),
  'give a file of others an access list': setOn('foreign', ACCESS_LIST),
}
change({ mode: 0 })
console.log(
  JSON.stringify({
    user: process.getuid?.(),
    ...onOwn,
    'look into another folder': codeOf(() => tree.lstat(at('locked/x'))),
    'list another folder': codeOf(() => tree.list(at('locked'))),
    'write in another folder': codeOf(() => put(tree, at('locked/x'), 'x')),
    'remove from another folder': codeOf(() => tree.unlink(at('locked/x'))),
    'give a file away': codeOf(() => change({ owner: { uid: 0, gid: 0 } })),
    'read the attributes of an own file without rights': tree.lstatClosely(at('own/file'), BOTH)
      ?.attributes?.xattrs,
    'read an own file without rights': codeOf(() => tree.open(at('own/file'))),
    'change the mode of an own file without rights': codeOf(() => change({ mode: 0o040 })),
    'change the times of an own file without rights': codeOf(() =>
      change({ mode: 0o640, mtimeNs: 5n }),
    ),
  }),
)
