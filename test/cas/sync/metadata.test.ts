import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { targetOpener } from '../../../src/cas/apply/target-opener.ts'
import type { TargetTree } from '../../../src/core/apply/target-tree.ts'
import type { ByteString } from '../../../src/core/base/byte-string.ts'
import { ACCESS_LIST } from '../../../src/core/change/attributes.ts'
import type { AgentMessageOf, TargetConfig } from '../../../src/core/wire/control.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { openReadTree, openTargetTree } from '../../../src/platform/trees.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { accessList } from '../../fakes/access-lists.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { SyncFleet } from '../../fakes/sync-fleet.ts'
import { at } from '../../platform/tree.suite.ts'

// What files are beside their content, from a real folder into a real folder over a real connection.

setDefaultTimeout(60_000)

const MIB = 1 << 20
const BOTH = { xattrs: true, acls: true }

let fleet: SyncFleet
let folder: string
let index: IndexFile
/** What the target told its master. */
let receipts: readonly AgentMessageOf<'targetReport'>[]
const path = (name: string) => join(folder, name)

beforeEach(async () => {
  fleet = await SyncFleet.make()
  folder = mkdtempSync(join(tmpdir(), 'cd-metadata-'))
  for (const name of ['source', 'target']) mkdirSync(path(name))
  index = IndexFile.open(path('index.db'))
})
afterEach(async () => {
  await fleet.stop()
  index.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A target under a policy's metadata, and a function that sends everything that changed to it. */
async function serve(metadata: Partial<TargetConfig['metadata']> = {}, tree?: TargetTree) {
  const plain = fleet.targetConfig()
  const config = { path: path('target'), metadata: { ...plain.metadata, ...metadata } }
  const log = createLogger({ level: 'error' })
  const opening = tree === undefined ? {} : { openTree: () => tree }
  const { port, reports: received } = await fleet.serve({
    openTarget: targetOpener({ index, log, ...opening }),
    configuration: { targets: [fleet.targetConfig(config)] },
  })
  const source = new DiskSource(path('source'), config.metadata)
  const { client, reports } = fleet.client(port, source)
  receipts = received
  return async () => {
    source.scan()
    await client.run(await fleet.job(source.headSeq()))
    expect(reports.at(-1)).toMatchObject({ state: 'done', error: null, entriesFailed: 0 })
    return reports.at(-1)?.bytesOnWire ?? 0
  }
}

function takenBytes(name: string): number {
  return statSync(path(name)).blocks * 512
}

/** 200 MiB in which only three stretches hold anything. */
function makeSparse(name: string): void {
  const file = openSync(path(name), 'w')
  for (const [position, text] of [
    [5, 'near the beginning'],
    [100 * MIB + 1, 'in the middle'],
    [180 * MIB, 'near the end'],
  ] as const)
    writeSync(file, text, position)
  ftruncateSync(file, 200 * MIB + 123)
  closeSync(file)
}

/** Writes what does not get smaller, into the file that is there or a new one. */
function makeNoise(name: string, bytes: number): void {
  const chunk = Buffer.alloc(65_536)
  const file = openSync(name, 'w')
  for (let written = 0; written < bytes; written += chunk.length)
    writeSync(file, crypto.getRandomValues(chunk))
  closeSync(file)
}

function hashAt(name: string): string {
  return hashBytes(readFileSync(path(name)))
}

test('holes arrive as holes, and stay so where the content is here already', async () => {
  const send = await serve()
  makeSparse('source/sparse')
  expect(await send()).toBeLessThan(2 * MIB)
  writeFileSync(path('source/copy'), readFileSync(path('source/sparse')))
  await send()
  for (const name of ['sparse', 'copy']) {
    expect(statSync(path(`target/${name}`)).size).toBe(200 * MIB + 123)
    expect(takenBytes(`target/${name}`)).toBeLessThan(MIB)
    expect(hashAt(`target/${name}`)).toBe(hashAt('source/sparse'))
  }
})

test('a policy without sparse files writes every zero', async () => {
  const send = await serve({ sparse: false })
  writeFileSync(path('source/zeros'), new Uint8Array(3 * MIB))
  await send()
  expect(takenBytes('target/zeros')).toBeGreaterThanOrEqual(3 * MIB)
})

test('attributes arrive with new content, with a change of large content, and alone', async () => {
  const send = await serve({ xattrs: true, acls: true })
  const list = accessList('u::rw-', 'u:1001:rw-', 'g::r--', 'm::rw-', 'o::---')
  const look = (root: string, name: string) => {
    const tree = openReadTree(path(root))
    const attributes = tree.lstatClosely(at(name), BOTH)?.attributes
    tree.close()
    return attributes
  }
  const attach = (name: string, key: ByteString, value: string | null) => {
    const tree = openTargetTree(path('source'))
    const handle = tree.openMetadata(at(name), tree.lstat(at(name))?.type ?? 'file')
    expect(handle.setAttribute(key, value as ByteString | null)).toBeNull()
    handle.close()
    tree.close()
  }
  mkdirSync(path('source/folder'))
  writeFileSync(path('source/small'), 'small')
  writeFileSync(path('source/large'), new Uint8Array(3 * MIB).fill(7))
  for (const name of ['folder', 'small', 'large']) {
    attach(name, 'user.color' as ByteString, 'red')
    attach(name, ACCESS_LIST, list)
  }
  const names = ['folder', 'small', 'large']
  const both = (name: string) => [look('source', name), look('target', name)]
  await send()
  for (const name of names) expect(both(name)[1]).toEqual(both(name)[0] as never)
  expect(look('target', 'large')?.xattrs).toHaveLength(1)
  writeFileSync(path('source/large'), new Uint8Array(3 * MIB).fill(8))
  attach('large', 'user.color' as ByteString, 'blue')
  for (const name of ['folder', 'small']) attach(name, 'user.color' as ByteString, null)
  await send()
  for (const name of names) expect(both(name)[1]).toEqual(both(name)[0] as never)
  expect(look('target', 'small')?.xattrs).toEqual([])
})

test('what a target cannot hold of them is counted in its receipts', async () => {
  const tree = new MemoryTree()
  tree.refuseAttribute = () => 'unsupported'
  const send = await serve({ xattrs: true, acls: true }, tree)
  for (const name of ['a', 'b', 'c']) writeFileSync(path(`source/${name}`), name)
  const source = openTargetTree(path('source'))
  for (const name of ['a', 'b']) {
    const handle = source.openMetadata(at(name), 'file')
    handle.setAttribute('user.color' as ByteString, 'red' as ByteString)
    handle.close()
  }
  source.close()
  await send()
  const { notes, pendingCount } = receipts.at(-1) ?? {}
  expect(pendingCount).toBe(0)
  expect(notes?.counts).toEqual([{ code: 'XATTRS_UNSUPPORTED', count: 2 }])
  expect(notes?.newest.map((one) => one.path).toSorted()).toEqual(['a', 'b'])
  writeFileSync(path('source/a'), 'another file')
  rmSync(path('source/b'))
  await send()
  expect(receipts.at(-1)?.notes?.counts).toEqual([{ code: 'XATTRS_UNSUPPORTED', count: 1 }])
})

describe('names of one file', () => {
  const inodes = (...names: readonly string[]) =>
    new Set(names.map((name) => statSync(path(`target/${name}`)).ino)).size

  test('arrive as such, with their content once, whatever happens to them', async () => {
    const send = await serve({ hardLinks: true })
    const names = ['a', 'b', 'd/c']
    mkdirSync(path('source/d'))
    makeNoise(path('source/a'), 3 * MIB)
    for (const name of ['b', 'd/c']) linkSync(path('source/a'), path(`source/${name}`))
    writeFileSync(path('source/other'), 'other')
    linkSync(path('source/other'), path('source/z'))
    expect(await send()).toBeLessThan(3.5 * MIB)
    expect(inodes(...names)).toBe(1)
    expect(inodes('other', 'z', 'a')).toBe(2)
    // Another name, and one less: no content.
    linkSync(path('source/b'), path('source/e'))
    rmSync(path('source/a'))
    expect(await send()).toBeLessThan(100_000)
    expect(inodes('b', 'd/c', 'e')).toBe(1)
    // Written by one name.
    makeNoise(path('source/e'), 2 * MIB)
    expect(await send()).toBeLessThan(2.5 * MIB)
    expect(inodes('b', 'd/c', 'e')).toBe(1)
    expect(hashAt('target/b')).toBe(hashAt('source/b'))
    // Split off with the same content.
    copyFileSync(path('source/e'), path('source/copy'))
    renameSync(path('source/copy'), path('source/e'))
    await send()
    expect(inodes('b', 'd/c')).toBe(1)
    expect(inodes('b', 'e')).toBe(2)
  })

  test('of more than one set arrive as such, with their content once', async () => {
    const send = await serve({ hardLinks: true })
    makeNoise(path('source/n'), MIB)
    const names = Array.from({ length: 5000 }, (_, index) => `n${index}`)
    for (const name of names) linkSync(path('source/n'), path(`source/${name}`))
    expect(await send()).toBeLessThan(2 * MIB)
    expect(inodes('n', ...names)).toBe(1)
    expect(await send()).toBeLessThan(10_000)
    writeFileSync(path('source/n77'), 'written by one of them')
    await send()
    expect(inodes('n', ...names)).toBe(1)
    expect(readFileSync(path('target/n4999'), 'utf8')).toBe('written by one of them')
  })

  test('are files of their own where the policy does not ask for more', async () => {
    const send = await serve()
    writeFileSync(path('source/a'), 'one')
    linkSync(path('source/a'), path('source/b'))
    await send()
    expect(inodes('a', 'b')).toBe(2)
  })
})

test('a fifo arrives, changes, becomes a file and goes', async () => {
  const send = await serve()
  Bun.spawnSync(['mkfifo', '-m', '640', path('source/fifo')])
  await send()
  const made = statSync(path('target/fifo'))
  expect([made.isFIFO(), made.mode & 0o7777]).toEqual([true, 0o640])
  expect(made.mtimeMs).toBe(statSync(path('source/fifo')).mtimeMs)
  Bun.spawnSync(['chmod', '600', path('source/fifo')])
  await send()
  expect(statSync(path('target/fifo')).mode & 0o7777).toBe(0o600)
  rmSync(path('source/fifo'))
  writeFileSync(path('source/fifo'), 'a file now')
  await send()
  expect(readFileSync(path('target/fifo'), 'utf8')).toBe('a file now')
})
