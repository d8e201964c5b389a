import { afterEach, describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { FileState, SentState } from '../../src/core/change/entry.ts'
import { walk } from '../../src/core/change/walk.ts'
import { ROOT } from '../../src/core/path/rel-path.ts'
import type { ChangeRecord } from '../../src/core/wire/control.ts'
import type { WatcherChoice } from '../../src/platform/watcher.ts'
import { createWatchers } from '../../src/platform/watchers.ts'
import { startInotifyWorker } from '../../src/spawn.ts'
import { disturb, randomOf } from './random-tree.ts'
import { Rig, realTree, until } from './rig.ts'

let rig: Rig
afterEach(() => rig.remove())

type Sent = Omit<SentState, 'hash'>

/** What a target would have to hold, from the disk itself. */
function onDisk(): Map<string, Sent> {
  const tree = realTree(rig.config.path as Parameters<typeof realTree>[0])
  const look = tree.lstat.bind(tree)
  const disk = { look, lookClosely: look, kinds: null, list: tree.list.bind(tree) }
  const found = new Map<string, Sent>()
  const root = tree.lstat(ROOT)
  if (root !== null) found.set('', sent(root))
  for (const { path, state } of walk(ROOT, { disk, isInView: () => true })) {
    if (typeof state === 'object') found.set(path, sent(state))
  }
  tree.close()
  return found
}

function sent({ type, size, mode, uid, gid, mtimeNs, linkTarget }: FileState | SentState): Sent {
  return { type, size, mode, uid, gid, mtimeNs, linkTarget }
}

function inJournal(): Map<string, Sent> {
  const rows = [...rig.rows()].toSorted(([left], [right]) => (left < right ? -1 : 1))
  return new Map(rows.map(([path, row]) => [path, sent(row.entry.state as SentState)]))
}

const sorted = (map: Map<string, Sent>) =>
  new Map([...map].toSorted(([left], [right]) => (left < right ? -1 : 1)))

/** What the master believes: the records replayed in the order of their seqs. */
function replay(model: Map<string, string>, records: readonly ChangeRecord[]): void {
  for (const { path, type } of records) {
    if (type === null) model.delete(path)
    else model.set(path, type)
  }
}

describe.each(['kernel', 'parcel'] as const)(
  'random changes, watched by %s',
  (choice: WatcherChoice) => {
    const seeds = choice === 'kernel' ? [1, 2, 3, 4, 5, 6] : [7, 8]
    test.each(seeds)(
      'seed %d: the journal is what the disk is',
      async (seed) => {
        const random = randomOf(seed)
        rig = new Rig({ watchers: createWatchers(choice, startInotifyWorker) })
        for (let count = 0; count < 30; count++) disturb(rig.root, random)
        await rig.start()
        const model = new Map<string, string>()
        for (let round = 0; round < 12; round++) {
          for (let count = random(40); count > 0; count--) {
            disturb(rig.root, random)
            if (random(4) === 0) await Bun.sleep(random(8))
          }
          if (round % 4 === 3) {
            await rig.stop()
            for (let count = random(30); count > 0; count--) disturb(rig.root, random)
            const known = { epoch: rig.report.epoch, seq: rig.lastHead }
            await rig.start({ config: { known } })
          }
          await rig.cms.flush('p1')
          replay(
            model,
            rig.records.toSorted((left, right) => left.seq - right.seq),
          )
          rig.pages.length = 0
          expect(inJournal()).toEqual(sorted(onDisk()))
          expect(model).toEqual(new Map([...inJournal()].map(([path, { type }]) => [path, type])))
        }
        expect(rig.report.error).toBeNull()
      },
      60_000,
    )
  },
)

test('killed in the middle of work, again and again: no seq has two meanings, nothing is missed', async () => {
  rig = new Rig()
  const random = randomOf(11)
  const meanings = new Map<string, string>()
  const epochs = new Set<string>()
  for (let round = 0; round < 8; round++) {
    const program = join(import.meta.dir, 'detect-program.ts')
    const child = Bun.spawn([process.execPath, program, rig.folder], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const output = new Response(child.stdout).text()
    const endMs = performance.now() + 150 + random(250)
    while (performance.now() < endMs) {
      for (let count = 0; count < 5; count++) disturb(rig.root, random)
      await Bun.sleep(1)
    }
    child.kill('SIGKILL')
    await child.exited
    for (const line of (await output).split('\n')) {
      if (!line.startsWith('{') || !line.endsWith('}')) continue
      const { epoch, seq, path } = JSON.parse(line) as { epoch: string; seq: number; path: string }
      expect(meanings.get(`${epoch} ${seq}`) ?? path).toBe(path)
      meanings.set(`${epoch} ${seq}`, path)
      epochs.add(epoch)
    }
  }
  await rig.start()
  await rig.cms.flush('p1')
  expect(epochs).toEqual(new Set([rig.report.epoch]))
  expect(inJournal()).toEqual(sorted(onDisk()))
}, 60_000)

test('20,000 files are scanned and journalled, and scanned again', async () => {
  rig = new Rig()
  for (let folder = 0; folder < 200; folder++) {
    mkdirSync(rig.at(`d${folder}`))
    for (let file = 0; file < 100; file++) writeFileSync(rig.at(`d${folder}/f${file}`), 'content')
  }
  await Bun.sleep(50)
  const measure = async (what: string) => {
    const started = performance.now()
    await rig.start()
    await until(() => rig.report.completeAt !== null && rig.report.gaps.length === 0, what)
    console.log(`20,000 files ${what}: ${Math.round(performance.now() - started)} ms`)
  }
  await measure('scanned and journalled')
  expect(rig.rows().size).toBe(20_201)
  const head = rig.outbound.headSeq()
  await rig.stop()
  await measure('scanned again')
  expect(rig.outbound.headSeq()).toBe(head)
}, 60_000)
