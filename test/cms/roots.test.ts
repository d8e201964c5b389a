import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { OpenTree } from '../../src/cms/source-disk.ts'
import { describeMounting, mount, mountTmpfs } from '../platform/mounts.ts'
import { Rig, realTree, until } from './rig.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(40_000)

const FOLDERS = 4
const FILES = 40
const LIMIT = 10
const deletionLimit = { count: LIMIT, percent: 30, windowS: 600 }

let rig: Rig
const undo: (() => void)[] = []
afterEach(async () => {
  await rig.stop()
  for (const step of undo.splice(0).toReversed()) step()
  await rig.remove()
})

function fill(root: string): void {
  for (let index = 0; index < FILES; index++) {
    const folder = join(root, `d${index % FOLDERS}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `f${index}`), 'content')
  }
}

/** Mounts something, which is unmounted in the end unless the test did. */
function mountUntilEnd(folder: string, how: () => void): void {
  how()
  undo.push(() => void Bun.spawnSync(['umount', '-l', folder]))
}

/** A file system of its own in a file beside the root. */
function mountImage(root: string): void {
  const image = `${root}.image`
  mount('truncate', '-s', '16M', image)
  mount('mkfs.ext4', '-q', '-m', '0', image)
  mountUntilEnd(root, () => mount('mount', '-o', 'loop', image, root))
  rmSync(join(root, 'lost+found'), { recursive: true })
}

/** The same file system again, under another device number: the first one is taken by then. */
function mountImageElsewhere(root: string): void {
  const [other, image, folder] = [`${root}.taken`, `${root}.image`, `${root}.other`]
  mount('truncate', '-s', '16M', other)
  mount('mkfs.ext4', '-q', other)
  mkdirSync(folder)
  mountUntilEnd(folder, () => mount('mount', '-o', 'loop', other, folder))
  mountUntilEnd(root, () => mount('mount', '-o', 'loop', image, root))
}

function emptied(root: string): void {
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true })
}

interface Loss {
  readonly name: string
  /** Before the source is filled. */
  readonly prepare?: (root: string) => void
  readonly lose: (root: string) => void | Promise<void>
  /** Puts the root back in its place; where there is none, the files are gone for good. */
  readonly back?: (root: string) => void
}

const LOSSES: readonly Loss[] = [
  {
    name: 'renamed away',
    lose: (root) => renameSync(root, `${root}.away`),
    back: (root) => renameSync(`${root}.away`, root),
  },
  {
    name: 'renamed away, with an empty folder in its place',
    lose: (root) => {
      renameSync(root, `${root}.away`)
      mkdirSync(root)
    },
    back: (root) => {
      rmSync(root, { recursive: true })
      renameSync(`${root}.away`, root)
    },
  },
  {
    name: 'unmounted, and mounted under another device number',
    prepare: mountImage,
    lose: (root) => mount('umount', '-l', root),
    back: mountImageElsewhere,
  },
  {
    name: 'a bind mount that is unmounted',
    prepare: (root) => {
      mkdirSync(`${root}.real`)
      mountUntilEnd(root, () => mount('mount', '--bind', `${root}.real`, root))
    },
    lose: (root) => mount('umount', '-l', root),
    back: (root) => mountUntilEnd(root, () => mount('mount', '--bind', `${root}.real`, root)),
  },
  {
    name: 'over-mounted',
    lose: (root) => mountUntilEnd(root, () => mountTmpfs(root, 'size=1m')),
    back: (root) => mount('umount', '-l', root),
  },
  {
    name: 'a mount over-mounted by another one of the same kind',
    prepare: (root) => mountUntilEnd(root, () => mountTmpfs(root, 'size=8m')),
    lose: (root) => mountUntilEnd(root, () => mountTmpfs(root, 'size=1m')),
    back: (root) => mount('umount', '-l', root),
  },
  { name: 'removed', lose: (root) => rmSync(root, { recursive: true }) },
  { name: 'emptied', lose: emptied },
  {
    name: 'emptied slowly',
    lose: async (root) => {
      for (let index = 0; index < FILES; index++) {
        rmSync(join(root, `d${index % FOLDERS}/f${index}`))
        await Bun.sleep(8)
      }
    },
  },
]

/** Loses the root between the listings of two folders. */
function treeLosing(lose: () => void | Promise<void>): OpenTree {
  let listings = 0
  return (path) => {
    const tree = realTree(path)
    const list = tree.list.bind(tree)
    const losing = (folder: Parameters<typeof list>[0]) => {
      if (listings++ === 2) void lose()
      return list(folder)
    }
    return Object.assign(tree, { list: losing })
  }
}

async function started({ prepare }: Loss): Promise<void> {
  rig = new Rig({ config: { deletionLimit }, times: { retryMs: 30, rootCheckMs: 30 } })
  prepare?.(rig.root)
  fill(rig.root)
  await rig.start()
  await rig.flush()
  expect(rig.rows().size).toBe(1 + FOLDERS + FILES)
}

/** Loses the root at this time; the source runs afterwards. */
const TIMES: Readonly<Record<string, (loss: Loss) => Promise<void>>> = {
  'while it is watched': async ({ lose }) => await lose(rig.root),
  'while nobody watches': async ({ lose }) => {
    await rig.stop()
    await lose(rig.root)
    await rig.start()
  },
  'in the middle of a scan': async ({ lose }) => {
    await rig.stop()
    await rig.start({ openTree: treeLosing(() => lose(rig.root)) })
  },
}

const isLost = () => /^ROOT_(MISSING|CHANGED)$/.test(rig.report.error?.code ?? '')

describeMounting('a source folder that is lost', () => {
  for (const [time, act] of Object.entries(TIMES)) {
    for (const loss of LOSSES) {
      test(`${loss.name}, ${time}: what leaves stays within the limit`, async () => {
        await started(loss)
        const deleted = () => rig.records.filter(({ operation }) => operation === 'delete')
        const deletedFiles = () => deleted().filter(({ path }) => path.includes('f')).length
        await act(loss)
        const { back } = loss
        if (back === undefined) {
          // A removed root may be seen as emptied before it is seen as gone.
          const heldCount = () => rig.report.hold?.deletes ?? 0
          await until(() => isLost() || heldCount() === FILES - LIMIT, 'the loss is seen')
          expect(deletedFiles()).toBeLessThanOrEqual(LIMIT)
          return
        }
        await until(isLost, 'the loss is seen')
        await Bun.sleep(100)
        expect(isLost()).toBe(true)
        expect(deleted()).toEqual([])

        back(rig.root)
        writeFileSync(rig.at('d0/new'), 'all flows again')
        await until(() => rig.records.some(({ path }) => path === 'd0/new'), 'what is new is told')
        await until(() => rig.report.error === null && rig.report.gaps.length === 0, 'all is well')
        expect(deleted()).toEqual([])
        expect(rig.rows().size).toBe(1 + FOLDERS + FILES + 1)
        writeFileSync(rig.at('d1/newer'), 'it is watched')
        await until(() => rig.records.some(({ path }) => path === 'd1/newer'), 'it is watched')
      })
    }
  }

  test('a mount that is required and comes after the start is waited for', async () => {
    rig = new Rig({ config: { requireMount: true }, times: { retryMs: 30 } })
    await rig.start()
    await until(() => rig.report.error?.code === 'ROOT_MISSING', 'it is missed')
    mountImage(rig.root)
    fill(rig.root)
    await until(() => rig.report.completeAt !== null, 'it is scanned')
    await rig.flush()
    expect(rig.rows().size).toBe(1 + FOLDERS + FILES)
  })
})
