import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'

import { fromText } from '../../src/core/base/byte-string.ts'
import { AppError } from '../../src/core/base/errors.ts'
import { type RelPath, ROOT } from '../../src/core/path/rel-path.ts'
import { type Clock, systemClock } from '../../src/platform/clock.ts'
import type { WatchSignal } from '../../src/platform/watcher.ts'
import { Rig, type RigOptions, realTree, told, until } from './rig.ts'
import { SilentWatchers } from './silent-watchers.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(30_000)

let rig: Rig
afterEach(() => rig.remove())

async function started(options: RigOptions = {}): Promise<Rig> {
  rig = new Rig(options)
  writeFileSync(rig.at('a'), '1')
  mkdirSync(rig.at('d'))
  writeFileSync(rig.at('d/b'), '2')
  await rig.start()
  await rig.flush()
  return rig
}

const isUp = () => rig.report.error === null && rig.report.gaps.length === 0

describe('a root that is lost: nothing leaves', () => {
  const deletions = () => told(rig.records).filter((record) => /^(delete|excluded)/.test(record))

  test('missing at the start, there later', async () => {
    await started()
    await rig.stop()
    renameSync(rig.root, `${rig.root}-away`)
    await rig.start()
    await until(() => rig.report.error?.code === 'ROOT_MISSING', 'it is missed')
    expect(await rig.cms.flush('p1').then(() => 'flushed', codeOf)).toBe('ROOT_MISSING')
    renameSync(`${rig.root}-away`, rig.root)
    writeFileSync(rig.at('new'), '3')
    await until(isUp, 'it is back')
    await rig.flush()
    expect(rig.paths()).toEqual(['a', 'd', 'd/b', 'new'])
    expect(deletions()).toEqual([])
  })

  test('moved away while watched, and put back', async () => {
    await started()
    renameSync(rig.root, `${rig.root}-away`)
    await until(() => rig.report.error?.code === 'ROOT_MISSING', 'it is missed')
    renameSync(`${rig.root}-away`, rig.root)
    writeFileSync(rig.at('d/new'), '3')
    await until(isUp, 'it is back')
    await until(() => told(rig.records).includes('create d/new'), 'it is watched again')
    expect(deletions()).toEqual([])
  })

  test('another folder in its place, until it is accepted', async () => {
    await started()
    const { epoch } = rig.report
    renameSync(rig.root, `${rig.root}-away`)
    mkdirSync(rig.root)
    writeFileSync(rig.at('other'), '3')
    await until(() => rig.report.error?.code === 'ROOT_CHANGED', 'the change is seen')
    await Bun.sleep(150)
    expect([rig.report.error?.code, deletions()]).toEqual(['ROOT_CHANGED', []])
    rig.pages.length = 0
    const { fingerprint = '' } = rig.report.hold ?? {}
    expect(rig.report.hold).toMatchObject({ code: 'ROOT_CHANGED', deletes: 0 })
    const word = { sourceId: 's1', decision: 'release' } as const
    const answer = (shown: string) => rig.cms.resolveHold({ ...word, fingerprint: shown })
    expect((await answer('another')).outcome).toBe('changed')
    const accepted = await answer(fingerprint)
    expect(accepted).toMatchObject({ outcome: 'done', position: { epoch: rig.report.epoch } })
    await rig.flush()
    expect(rig.report.epoch).not.toBe(epoch)
    expect(rig.paths()).toEqual(['other'])
  })

  test('emptied by removing it with everything in it, and made again', async () => {
    await started()
    rmSync(rig.root, { recursive: true })
    mkdirSync(rig.root)
    await until(() => rig.report.error?.code === 'ROOT_CHANGED', 'the change is seen')
    writeFileSync(rig.at('x'), '1')
    await Bun.sleep(100)
    expect(told(rig.records).filter((record) => record.endsWith(' x'))).toEqual([])
  })

  test('a folder on which nothing is mounted where a mount is required', async () => {
    rig = new Rig({ config: { requireMount: true } })
    await rig.start()
    await until(() => rig.report.error !== null, 'it is refused')
    expect(rig.report.error?.code).toBe('ROOT_MISSING')
    expect(rig.report.error?.message).toContain('nothing is mounted')
  })
})

describe('what cannot be read', () => {
  /** A folder of which the system says that it may not be listed, as long as the switch is on. */
  function lockedFolder() {
    const lock = { isOn: true }
    const openTree = (path: Parameters<typeof realTree>[0]) => {
      const tree = realTree(path)
      const list = tree.list.bind(tree)
      const locked = (folder: RelPath) => {
        if (lock.isOn && folder === 'd') throw new AppError('NO_PERMISSION', 'cannot list "d"')
        return list(folder)
      }
      return Object.assign(tree, { list: locked })
    }
    return { lock, openTree }
  }

  test('is a gap that keeps its rows, and closes when it can be read', async () => {
    const { lock, openTree } = lockedFolder()
    lock.isOn = false
    await started({ openTree })
    await rig.stop()
    lock.isOn = true
    rmSync(rig.at('d/b'))
    await rig.start()
    await until(() => rig.report.gaps[0]?.path === 'd', 'the gap is reported')
    expect(rig.report.completeAt).not.toBeNull()
    expect(rig.paths()).toEqual(['a', 'd', 'd/b'])
    lock.isOn = false
    await until(isUp, 'the gap closes')
    expect(rig.paths()).toEqual(['a', 'd'])
  })
})

describe('a watcher that', () => {
  const fast = { rescanMs: 50, unwatchedRescanMs: 20 }

  test('tells nothing: the rescan finds what changed', async () => {
    await started({ watchers: new SilentWatchers(), times: fast })
    writeFileSync(rig.at('d/new'), '1')
    rmSync(rig.at('a'))
    await until(() => told(rig.records).includes('delete a'), 'a scan has missed the one')
    await until(() => told(rig.records).includes('create d/new'), 'a scan has found the other')
    expect(rig.paths()).toEqual(['d', 'd/b', 'd/new'])
    expect(rig.report.gaps).toEqual([])
  })

  test('tells nothing: a scan that only verifies leaves the time to others, one that somebody waits for does not', async () => {
    const lists: number[] = []
    const openTree = (path: Parameters<typeof realTree>[0]) => {
      const tree = realTree(path)
      const list = tree.list.bind(tree)
      const timed = (folder: RelPath) => {
        lists.push(performance.now())
        return list(folder)
      }
      return Object.assign(tree, { list: timed })
    }
    const folders = 60
    rig = new Rig({ watchers: new SilentWatchers(), openTree, times: { rescanMs: 300 } })
    for (let folder = 0; folder < folders; folder++) {
      mkdirSync(rig.at(`d${folder}`))
      for (let file = 0; file < 60; file++) writeFileSync(rig.at(`d${folder}/f${file}`), '')
    }
    await rig.start()
    await until(isUp, 'the first scan is done')
    const lengthOf = (from: number) => (lists[from + folders] ?? 0) - (lists[from] ?? 0)
    const shortest = (lengths: number[]) => Math.min(...lengths)
    await until(() => lists.length >= 3 * (folders + 1), 'it is verified twice')
    const verifying = shortest([lengthOf(folders + 1), lengthOf(2 * (folders + 1))])
    const waitedFor: number[] = []
    for (let round = 0; round < 3; round++) {
      const before = lists.length
      await rig.flush()
      waitedFor.push(lengthOf(before))
    }
    expect(verifying).toBeGreaterThan(1.5 * shortest(waitedFor))
  })

  test('lost events: the folder is a gap until it is scanned', async () => {
    const watchers = new SilentWatchers()
    await started({ watchers })
    writeFileSync(rig.at('d/new'), '1')
    writeFileSync(rig.at('elsewhere'), '1')
    const { length } = rig.reports
    watchers.say(lost('d', 'a full queue'))
    await until(() => told(rig.records).includes('create d/new'), 'the folder is scanned')
    await until(isUp, 'the gap is closed')
    expect(rig.reports.slice(length).some(({ gaps }) => gaps[0]?.reason === 'a full queue')).toBe(
      true,
    )
    expect(rig.paths()).toEqual(['a', 'd', 'd/b', 'd/new'])
  })

  test('lost events: the gap is told however soon it closes', async () => {
    const watchers = new SilentWatchers()
    await started({ watchers })
    for (const round of [1, 2, 3]) {
      const { length } = rig.reports
      watchers.say(lost('', `lost ${round}`))
      await until(isUp, 'the gap is closed')
      await until(() => rig.reports.length >= length + 2, 'both is told')
      const [opened, closed] = rig.reports.slice(length)
      expect([opened?.gaps[0]?.reason, closed?.gaps]).toEqual([`lost ${round}`, []])
    }
  })

  test('may have lost events: the scan waits its turn, and the gap is open until then', async () => {
    let offsetMs = 0
    const clock = movable(() => offsetMs)
    const watchers = new SilentWatchers()
    rig = new Rig({ watchers, clock })
    for (let index = 0; index < 3000; index++) writeFileSync(rig.at(`f${index}`), '')
    await rig.start()
    await until(isUp, 'the first scan is done')
    writeFileSync(rig.at('new'), '1')
    watchers.say({ kind: 'overflow', path: ROOT, reason: 'who knows', certainty: 'maybe' })
    await until(() => rig.report.gaps[0]?.reason === 'who knows', 'the doubt is told')
    await Bun.sleep(30)
    expect(rig.paths()).not.toContain('new')
    offsetMs = 600_000
    watchers.say({ kind: 'hints', hints: [] })
    await until(isUp, 'the gap is closed')
    expect(rig.paths()).toContain('new')
  })

  test('lost a folder: it is handed the folder that a scan met, topmost only', async () => {
    const watchers = new SilentWatchers()
    await started({ watchers })
    watchers.found.length = 0
    mkdirSync(rig.at('x/y/z'), { recursive: true })
    mkdirSync(rig.at('d/w'))
    watchers.say(lost('', 'a full queue'))
    await until(() => watchers.found.length > 0, 'they are found and told')
    expect(watchers.found).toEqual(['d/w', 'x'] as RelPath[])
  })

  test('cannot watch: scans go on, the reason is told, and it is tried again', async () => {
    const watchers = new SilentWatchers()
    watchers.refusal = new AppError('WATCH_LIMIT', 'cannot watch: 8192')
    await started({ watchers, times: fast })
    writeFileSync(rig.at('new'), '1')
    await until(() => told(rig.records).includes('create new'), 'a scan has found it')
    expect([rig.report.error?.code, rig.report.gaps.length]).toEqual(['WATCH_LIMIT', 1])
    expect(rig.report.completeAt).not.toBeNull()
    watchers.refusal = null
    await until(isUp, 'it is watched after all')
    expect(watchers.watchCount).toBeGreaterThan(1)
  })

  test('fails while it watches: a scan finds the rest, and it is started again', async () => {
    const watchers = new SilentWatchers()
    await started({ watchers })
    writeFileSync(rig.at('new'), '1')
    watchers.say({ kind: 'failed', error: new AppError('WATCH_FAILED', 'cannot go on') })
    await until(() => told(rig.records).includes('create new'), 'a scan has found it')
    await until(isUp, 'it is watched again')
    expect(watchers.watchCount).toBe(2)
  })

  test('tells of rubbish: nothing comes of it', async () => {
    const watchers = new SilentWatchers()
    await started({ watchers })
    const kinds = ['created', 'changed', 'closed', 'movedFrom', 'movedTo', 'removed'] as const
    const hints = kinds.flatMap((kind) =>
      ['a', 'd', 'd/b', 'ghost', 'a/below-a-file', 'no/such/folder', ''].map((path) => ({
        path: fromText(path) as unknown as RelPath,
        kind,
        cookie: null,
        isDirectory: null,
      })),
    )
    rig.pages.length = 0
    watchers.say({ kind: 'hints', hints })
    await rig.flush()
    expect(rig.paths()).toEqual(['a', 'd', 'd/b'])
    expect(rig.report.error).toBeNull()
  })
})

test('a clock that is set back opens a gap, and changes are still told', async () => {
  let offsetMs = 0
  await started({ clock: movable(() => offsetMs) })
  const { length } = rig.reports
  offsetMs = -3_600_000
  writeFileSync(rig.at('new'), '1')
  await until(() => told(rig.records).includes('create new'), 'the change is told')
  await until(isUp, 'the gap is closed')
  expect(rig.reports.slice(length).flatMap(({ gaps }) => gaps.map((gap) => gap.reason))).toContain(
    'the clock was set back',
  )
})

test('a clock that is set forward and back again: changes are told, and the next scan is not put off', async () => {
  let offsetMs = 0
  await started({ clock: movable(() => offsetMs), watchers: new SilentWatchers() })
  const day = 86_400_000
  offsetMs = 400 * day
  writeFileSync(rig.at('forward'), '1')
  await until(() => told(rig.records).includes('create forward'), 'a scan is due')
  await until(isUp, 'it is done')
  offsetMs = 0
  writeFileSync(rig.at('back'), '1')
  await until(() => told(rig.records).includes('create back'), 'the clock is noticed')
  await until(isUp, 'the gap is closed')
  expect(Date.parse(rig.report.completeAt ?? '')).toBeLessThan(Date.now() + day)
})

test('a journal that cannot be written is told, and what was seen is found again', async () => {
  await started()
  const heal = rig.breakJournal()
  writeFileSync(rig.at('new'), '1')
  await until(() => rig.report.error !== null, 'the fault is told')
  heal()
  await until(() => told(rig.records).includes('create new'), 'the change is told')
  await until(isUp, 'nothing is open')
})

/** The host's clock, set forward or back by what the function gives. */
function movable(offsetMs: () => number): Clock {
  return {
    nowMs: () => Date.now() + offsetMs(),
    sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal),
  }
}

function lost(path: string, reason: string): WatchSignal {
  return { kind: 'overflow', path: path as RelPath, reason, certainty: 'lost' }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof AppError ? thrown.code : String(thrown)
}
