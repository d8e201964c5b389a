import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'

import type { ContentHash } from '../../src/core/change/entry.ts'
import { Rig, told } from './rig.ts'

// What detection makes of files with several names, on a real disk.

setDefaultTimeout(30_000)

const HASH = 'ab'.repeat(32) as ContentHash

let rig: Rig
afterEach(() => rig.remove())

const hardLinks = (isOn: boolean) => ({ metadata: { ...rig.config.metadata, hardLinks: isOn } })

/** A started rig over `a` and `folder/b`, names of one file, and `alone`; everything is journalled and settled. */
async function started(isOn = true): Promise<void> {
  rig = new Rig()
  mkdirSync(rig.at('folder'))
  for (const name of ['a', 'alone']) {
    writeFileSync(rig.at(name), 'content')
    // As if it had been so for long.
    utimesSync(rig.at(name), 1e9, 1e9)
  }
  linkSync(rig.at('a'), rig.at('folder/b'))
  await rig.start({ config: hardLinks(isOn) })
  await settled()
}

async function settled(): Promise<void> {
  await rig.flush()
  await Bun.sleep(60)
  await rig.flush()
}

const sent = (path: string) => rig.rows().get(path)?.entry.state
/** Which of these paths name one file, by their keys: `0 0 1` where the last is another's. */
function files(...paths: readonly string[]): string {
  const keys = paths.map((path) => sent(path)?.fileKey)
  return keys.map((key) => (key === undefined ? '-' : keys.indexOf(key))).join(' ')
}

const ofMore = (...paths: readonly string[]) =>
  paths.filter((path) => sent(path)?.hasOtherNames === true)

/** Without folders: their times move with what is in them. */
const ofFiles = (lines: readonly string[]) => lines.filter((line) => !line.endsWith(' folder'))

test('files travel with what tells them apart, and folders do not', async () => {
  await started()
  expect(files('a', 'folder/b', 'alone', 'folder', '')).toBe('0 0 2 - -')
  expect(ofMore('a', 'folder/b', 'alone')).toEqual(['a', 'folder/b'])
})

test.each<[string, () => void, string[], string]>([
  [
    'a write by one name',
    () => writeFileSync(rig.at('a'), 'written'),
    ['update a', 'update folder/b'],
    '0 0 -',
  ],
  [
    'another mode by one name',
    () => chmodSync(rig.at('folder/b'), 0o600),
    ['update a', 'update folder/b'],
    '0 0 -',
  ],
  [
    'another name',
    () => linkSync(rig.at('a'), rig.at('c')),
    ['update a', 'create c', 'update folder/b'],
    '0 0 0',
  ],
  [
    'a name that moves',
    () => renameSync(rig.at('folder/b'), rig.at('c')),
    ['update a', 'move c (folder/b)', 'delete folder/b'],
    '0 - 0',
  ],
  ['a name that goes', () => rmSync(rig.at('a')), ['delete a', 'update folder/b'], '- 1 -'],
  [
    'a name that leaves',
    () => {
      copyFileSync(rig.at('a'), rig.at('c'))
      renameSync(rig.at('c'), rig.at('a'))
    },
    ['update a', 'update folder/b'],
    '0 1 -',
  ],
])('%s is told of all names at once', async (...[, act, expected, keys]) => {
  await started()
  act()
  expect(ofFiles(told(await rig.flush())).toSorted()).toEqual(expected.toSorted())
  expect(files('a', 'folder/b', 'c')).toBe(keys)
  await settled()
  expect(await rig.flush()).toEqual([])
})

test('a write by a name that is left out is told of the others', async () => {
  rig = new Rig()
  writeFileSync(rig.at('a'), 'content')
  linkSync(rig.at('a'), rig.at('b.tmp'))
  const filter = { include: [], exclude: ['\\.tmp$'], deleteExcluded: false }
  await rig.start({ config: { ...hardLinks(true), filter } })
  await settled()
  writeFileSync(rig.at('b.tmp'), 'written')
  expect(ofFiles(told(await rig.flush()))).toEqual(['update a'])
  expect(ofMore('a')).toEqual(['a'])
})

test('names without end are told of once each, however many of them are touched', async () => {
  await started()
  const names = Array.from({ length: 300 }, (_, index) => `n${index}`)
  for (const name of names) linkSync(rig.at('a'), rig.at(name))
  const lines = ofFiles(told(await rig.flush())).toSorted()
  expect(lines).toEqual(
    [...names.map((name) => `create ${name}`), 'update a', 'update folder/b'].toSorted(),
  )
  expect(new Set(files(...names).split(' '))).toEqual(new Set(['0']))
})

test('a name that joins another file is told of both', async () => {
  await started()
  linkSync(rig.at('alone'), rig.at('c'))
  await settled()
  rmSync(rig.at('a'))
  linkSync(rig.at('alone'), rig.at('a'))
  expect(ofFiles(told(await rig.flush()))).toEqual([
    'update a',
    'update alone',
    'update c',
    'update folder/b',
  ])
  expect(files('a', 'alone', 'c', 'folder/b')).toBe('0 0 0 3')
  expect(ofMore('a', 'alone', 'c', 'folder/b')).toEqual(['a', 'alone', 'c'])
})

test('a hash that was found under one name is known of all', async () => {
  await started()
  const row = rig.rows().get('a')
  if (row?.fingerprint == null) throw new Error('a row')
  const { path, seq } = row.entry
  const found = { path, seq, hash: HASH, fingerprint: row.fingerprint }
  rig.outbound.recordHashes([{ ...found, forAllNames: true }])
  expect([sent('folder/b')?.hash, sent('alone')?.hash]).toEqual([HASH, null])
  expect(rig.rows().get('folder/b')?.hashTrust).toBe('trusted')
  linkSync(rig.at('a'), rig.at('c'))
  await rig.flush()
  expect(sent('c')?.hash).toBe(HASH)
})

test('switching it on and off sends every row again', async () => {
  await started(false)
  expect(files('a', 'folder/b', 'alone')).toBe('- - -')
  const paths = ['', 'a', 'alone', 'folder', 'folder/b']
  for (const [isOn, viewRevision, keys] of [
    [true, 2, '0 0 2'],
    [false, 3, '- - -'],
  ] as const) {
    const before = rig.outbound.headSeq()
    await rig.configure({ ...hardLinks(isOn), viewRevision })
    await rig.flush()
    const rows = [...rig.rows().values()].filter(({ entry }) => entry.seq > before)
    expect(rows.map(({ entry }) => entry.path as string).toSorted()).toEqual(paths)
    expect(rig.outbound.headSeq()).toBe(before + paths.length)
    expect(rig.report.viewRevision).toBe(viewRevision)
    expect(files('a', 'folder/b', 'alone')).toBe(keys)
  }
})
