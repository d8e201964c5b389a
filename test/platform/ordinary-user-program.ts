// Tries on the tree given as argument what an ordinary user may and may not do; prints what came of each.
import type { Metadata } from '../../src/core/apply/target-tree.ts'
import { openTargetTree } from '../../src/platform/trees.ts'
import { at, codeOf, put } from './tree.suite.ts'

// Given up here and not by whoever starts this: an ordinary user may not even reach the checkout.
process.setgroups?.([])
process.setgid?.(65_534)
process.setuid?.(65_534)

const tree = openTargetTree(process.argv[2] ?? '')
const change = (part: Partial<Metadata>): void =>
  tree.setMetadata(at('own/file'), 'file', { mode: null, owner: null, mtimeNs: null, ...part })

put(tree, at('own/file'), 'x')
change({ mode: 0 })
console.log(
  JSON.stringify({
    user: process.getuid?.(),
    'look into another folder': codeOf(() => tree.lstat(at('locked/x'))),
    'list another folder': codeOf(() => tree.list(at('locked'))),
    'write in another folder': codeOf(() => put(tree, at('locked/x'), 'x')),
    'remove from another folder': codeOf(() => tree.unlink(at('locked/x'))),
    'give a file away': codeOf(() => change({ owner: { uid: 0, gid: 0 } })),
    'read an own file without rights': codeOf(() => tree.open(at('own/file'))),
    'change the mode of an own file without rights': codeOf(() => change({ mode: 0o040 })),
    'change the times of an own file without rights': codeOf(() =>
      change({ mode: 0o640, mtimeNs: 5n }),
    ),
  }),
)
