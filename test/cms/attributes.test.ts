import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'

import type { OpenTree } from '../../src/cms/source-disk.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { ACCESS_LIST, type Attributes, INHERITED_LIST } from '../../src/core/change/attributes.ts'
import { openTargetTree } from '../../src/platform/trees.ts'
import { accessList } from '../fakes/access-lists.ts'
import { at } from '../platform/tree.suite.ts'
import { Rig, type RigOptions, realTree, told } from './rig.ts'
import { SilentWatchers } from './silent-watchers.ts'

// What detection makes of extended attributes and access lists on a real disk.

setDefaultTimeout(30_000)

const NONE: Attributes = { xattrs: [], acls: { access: null, inherited: null } }
const COLOR = 'user.color' as ByteString
const LIST = accessList('u::rw-', 'u:0:rw-', 'g::r--', 'm::rw-', 'o::r--')
const HANDED_DOWN = accessList('u::rwx', 'g::r-x', 'g:0:rwx', 'm::rwx', 'o::---')

let rig: Rig
afterEach(() => rig.remove())

const metadata = (change: Partial<Rig['config']['metadata']>) => ({
  metadata: { ...rig.config.metadata, ...change },
})

/** A started rig over a file, a folder and a link; everything is journalled and settled. */
async function started(
  change: Partial<Rig['config']['metadata']>,
  options: RigOptions = {},
): Promise<void> {
  rig = new Rig(options)
  writeFileSync(rig.at('file'), 'content')
  mkdirSync(rig.at('folder'))
  symlinkSync('file', rig.at('link'))
  set('file', COLOR, 'red')
  set('file', ACCESS_LIST, LIST)
  await rig.start({ config: metadata(change) })
  await settled()
}

async function settled(): Promise<void> {
  await rig.flush()
  await Bun.sleep(60)
  await rig.flush()
}

function set(path: string, name: ByteString, value: string | null): void {
  const tree = openTargetTree(rig.root)
  const handle = tree.openMetadata(at(path), tree.lstat(at(path))?.type ?? 'file')
  expect(handle.setAttribute(name, value as ByteString | null)).toBeNull()
  handle.close()
  tree.close()
}

function sent(path: string) {
  return rig.rows().get(path)?.entry.state
}

/** Paths whose rows were sent again above a seq. */
function after(seq: number): string[] {
  return rig.outbound
    .changes({ after: seq, upTo: 1e6, limit: 100, liveOnly: true })
    .map(({ entry }) => entry.path as string)
    .toSorted()
}

const color = (value: string) => [{ name: COLOR, value: value as ByteString }]

test('attributes are journalled and sent, those of each kind where the policy asks for it', async () => {
  await started({ xattrs: true, acls: true })
  expect(sent('file')?.attributes).toEqual({
    xattrs: color('red'),
    acls: { access: LIST, inherited: null },
  })
  for (const path of ['', 'folder', 'link']) expect(sent(path)?.attributes).toEqual(NONE)
})

test('without either kind nothing is read or sent', async () => {
  await started({})
  expect(sent('file')).not.toHaveProperty('attributes')
})

test.each([
  ['a new attribute', 'file', 'user.other', 'x'],
  ['another value', 'file', COLOR, 'blue'],
  ['an attribute that goes', 'file', COLOR, null],
  ['an attribute of a folder', 'folder', COLOR, 'red'],
  ['a list for new files', 'folder', INHERITED_LIST, HANDED_DOWN],
] as const)('%s is told at once', async (...[, path, name, value]) => {
  await started({ xattrs: true, acls: true })
  set(path, name as ByteString, value)
  expect(told(await rig.flush())).toEqual([`update ${path}`])
  await settled()
  expect(await rig.flush()).toEqual([])
})

test('what nobody told is found by a scan', async () => {
  await started({ xattrs: true, acls: true }, { watchers: new SilentWatchers() })
  set('folder', COLOR, 'red')
  set('file', ACCESS_LIST, null)
  await rig.flush()
  expect(sent('folder')?.attributes?.xattrs).toEqual(color('red'))
  expect(sent('file')?.attributes?.acls).toEqual({ access: null, inherited: null })
})

test('what changed while nobody looked is found at the start', async () => {
  await started({ xattrs: true, acls: true })
  const head = rig.outbound.headSeq()
  await rig.stop()
  set('folder', COLOR, 'red')
  await rig.start()
  await rig.flush()
  expect(after(head)).toEqual(['folder'])
})

test.each([
  ['xattrs', { xattrs: color('red'), acls: null }, { xattrs: [], acls: null }],
  [
    'acls',
    { xattrs: null, acls: { access: LIST, inherited: null } },
    { xattrs: null, acls: NONE.acls },
  ],
] as const)(
  'switching %s on and off sends every row again',
  async (...[kind, ofFile, ofOthers]) => {
    await started({})
    const paths = ['', 'file', 'folder', 'link']
    const before = rig.outbound.headSeq()
    await rig.configure({ ...metadata({ [kind]: true }), viewRevision: 2 })
    await rig.flush()
    expect(after(before)).toEqual(paths)
    // Once, not once for the other view and once for the scan.
    expect(rig.outbound.headSeq()).toBe(before + paths.length)
    expect(rig.report.viewRevision).toBe(2)
    expect(sent('file')?.attributes).toEqual(ofFile)
    for (const path of ['', 'folder', 'link']) expect(sent(path)?.attributes).toEqual(ofOthers)
    const between = rig.outbound.headSeq()
    await rig.configure({ ...metadata({ [kind]: false }), viewRevision: 3 })
    await rig.flush()
    expect(after(between)).toEqual(paths)
    expect(sent('file')).not.toHaveProperty('attributes')
  },
)

test('names of those whom lists name travel where owners go by name', async () => {
  await started({ acls: true, owner: 'name' })
  set('folder', INHERITED_LIST, HANDED_DOWN)
  await rig.flush()
  const root = fromText('root')
  expect(sent('file')?.ownerNames?.listed).toEqual([{ kind: 'user', id: 0, name: root }])
  expect(sent('folder')?.ownerNames?.listed).toEqual([{ kind: 'group', id: 0, name: root }])
  expect(sent('link')?.ownerNames).not.toHaveProperty('listed')
})

test('a path that goes before its attributes are read is told gone alone', async () => {
  const isGone = new Set<string>()
  const openTree: OpenTree = (path) => {
    const tree = realTree(path)
    return {
      lstat: tree.lstat.bind(tree),
      lstatClosely: (at_, kinds) => (isGone.has(at_) ? null : tree.lstatClosely(at_, kinds)),
      list: tree.list.bind(tree),
      open: tree.open.bind(tree),
      isBeingWritten: tree.isBeingWritten.bind(tree),
      identity: tree.identity.bind(tree),
      close: tree.close.bind(tree),
    }
  }
  await started({ xattrs: true, acls: true }, { openTree })
  isGone.add('new')
  writeFileSync(rig.at('new'), 'x')
  expect(told(await rig.flush())).toEqual([])
  isGone.clear()
  writeFileSync(rig.at('new'), 'y')
  expect(told(await rig.flush())).toEqual(['create new'])
  // Whoever read the file and found it gone counts on a newer seq.
  isGone.add('new')
  const head = rig.outbound.headSeq()
  rig.outbound.resequence([at('new')])
  expect(after(head)).toEqual(['new'])
})
