import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

import { Rig, type RigOptions, told, until } from './rig.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(30_000)

let rig: Rig
afterEach(() => rig.remove())

/** A started rig over a folder with `old`, `folder/inner` and a link; everything is journalled and settled. */
async function started(options: RigOptions = {}): Promise<Rig> {
  rig = new Rig(options)
  writeFileSync(rig.at('old'), 'old content')
  mkdirSync(rig.at('folder'))
  writeFileSync(rig.at('folder/inner'), 'inner')
  symlinkSync('old', rig.at('link'))
  await rig.start()
  await settled(rig)
  return rig
}

/** Everything is journalled, and no row is racy any more. */
async function settled(one: Rig): Promise<void> {
  await one.flush()
  await Bun.sleep(60)
  await one.flush()
}

describe('a change on the disk is told to the master', () => {
  const cases: readonly { name: string; act: () => void; expected: string[] }[] = [
    { name: 'new file', act: () => writeFileSync(rig.at('new'), '1'), expected: ['create new'] },
    {
      name: 'write',
      act: () => writeFileSync(rig.at('old'), 'other'),
      expected: ['update old'],
    },
    { name: 'append', act: () => appendFileSync(rig.at('old'), '+'), expected: ['update old'] },
    { name: 'mode', act: () => chmodSync(rig.at('old'), 0o600), expected: ['update old'] },
    {
      name: 'mode of a folder',
      act: () => chmodSync(rig.at('folder'), 0o700),
      expected: ['update folder'],
    },
    { name: 'deletion', act: () => rmSync(rig.at('old')), expected: ['delete old'] },
    {
      name: 'rename',
      act: () => renameSync(rig.at('old'), rig.at('new')),
      expected: ['rename new (old)', 'delete old'],
    },
    {
      name: 'move',
      act: () => renameSync(rig.at('old'), rig.at('folder/old')),
      expected: ['update folder', 'move folder/old (old)', 'delete old'],
    },
    {
      name: 'renamed folder',
      act: () => renameSync(rig.at('folder'), rig.at('other')),
      expected: [
        'rename other (folder)',
        'move other/inner (folder/inner)',
        'delete folder/inner',
        'delete folder',
      ],
    },
    {
      name: 'removed folder',
      act: () => rmSync(rig.at('folder'), { recursive: true }),
      expected: ['delete folder/inner', 'delete folder'],
    },
    {
      name: 'link that leads elsewhere',
      act: () => {
        rmSync(rig.at('link'))
        symlinkSync('folder', rig.at('link'))
      },
      expected: ['update link'],
    },
    {
      name: 'saved by way of a temporary file',
      act: () => {
        writeFileSync(rig.at('.old.tmp'), 'new content')
        renameSync(rig.at('.old.tmp'), rig.at('old'))
      },
      expected: ['update old'],
    },
    {
      name: 'second name of a file',
      act: () => linkSync(rig.at('old'), rig.at('second')),
      expected: ['create second', 'update old'],
    },
    {
      name: 'tree made at once',
      act: () => {
        mkdirSync(rig.at('a/b/c'), { recursive: true })
        writeFileSync(rig.at('a/b/c/d'), '1')
      },
      expected: ['create a', 'create a/b', 'create a/b/c', 'create a/b/c/d'],
    },
  ]
  test.each(cases)('$name', async ({ act, expected }) => {
    await started()
    act()
    const records = told(await rig.flush())
    expect(records.toSorted()).toEqual(expected.toSorted())
    await settled(rig)
    expect(rig.pages).toEqual([])
  })

  test('without being asked, in the order of seqs, every page from where the last one ended', async () => {
    await started()
    const head = rig.outbound.headSeq()
    for (const name of ['a', 'b', 'c']) {
      writeFileSync(rig.at(name), name)
      await until(() => told(rig.records).includes(`create ${name}`), `${name} is told`)
    }
    expect(rig.pages.map((page) => page.from)).toEqual([
      head,
      ...rig.pages.slice(0, -1).map((page) => page.upTo),
    ])
    for (const page of rig.pages) {
      const seqs = page.records.map((record) => record.seq)
      expect(seqs).toEqual(seqs.toSorted((left, right) => left - right))
      expect(seqs.every((seq) => seq > page.from && seq <= page.upTo)).toBe(true)
    }
  })

  test('a file that is kept open is told while it is, and when a flush asks', async () => {
    await started({ times: { restMs: 20, holdMaxMs: 100 } })
    const file = openSync(rig.at('log'), 'w')
    const write = setInterval(() => writeSync(file, 'line\n'), 5)
    await until(() => told(rig.records).includes('create log'), 'the log is told')
    clearInterval(write)
    writeSync(file, 'last line\n')
    await rig.flush()
    const size = rig.rows().get('log')?.entry.state?.size ?? 0
    expect(size % 5).toBe(0)
    expect(size).toBeGreaterThan(9)
    closeSync(file)
  })

  test('a file in the making is told once, when it is closed', async () => {
    await started({ times: { restMs: 500 } })
    const file = openSync(rig.at('big'), 'w')
    for (let index = 0; index < 10; index++) {
      writeSync(file, 'x'.repeat(1000))
      await Bun.sleep(5)
    }
    expect(told(rig.records)).toEqual([])
    closeSync(file)
    await until(() => told(rig.records).length > 0, 'the file is told')
    await settled(rig)
    expect(rig.rows().get('big')?.entry.state?.size).toBe(10_000)
  })
})

describe('the first report and the first scan', () => {
  test('completeAt is null until the scan is done; counts and gaps follow', async () => {
    await started()
    const [first] = rig.reports
    expect([first?.completeAt, first?.gaps.length, first?.error]).toEqual([null, 1, null])
    await until(() => rig.report.fileCount === 3, 'the counts are reported')
    const { gaps, totalBytes, error, viewRevision, headSeq } = rig.report
    expect({ gaps, totalBytes, error, viewRevision }).toEqual({
      gaps: [],
      totalBytes: 16,
      error: null,
      viewRevision: 1,
    })
    expect(headSeq).toBe(rig.outbound.headSeq())
    expect(Date.parse(rig.report.completeAt ?? '')).toBeGreaterThan(
      Date.parse(first?.gaps[0]?.since ?? '') - 1000,
    )
  })
})

test('the end of the first scan is told with the head that a full list will reach, once a start', async () => {
  await started()
  const told = rig.reports.map(({ completeAt, listedSeq }) => [completeAt !== null, listedSeq])
  const first = told.find(([, listedSeq]) => listedSeq !== undefined)
  expect(told[0]).toEqual([false, undefined])
  // The same report says both, so that nothing that came later can be taken for part of the list.
  expect(first).toEqual([true, rig.outbound.headSeq()])
  writeFileSync(rig.at('new'), '1')
  await rig.flush()
  expect(rig.outbound.isListed()).toBe(true)
  expect(rig.report.listedSeq).toBe(first?.[1] as number)
  await rig.stop()
  await rig.start()
  await rig.flush()
  expect(rig.report.listedSeq).toBeUndefined()
})

test('a source whose root is away says so to who waits for the rest of its list', async () => {
  await started()
  renameSync(rig.root, `${rig.root}.away`)
  await until(() => rig.report.error !== null, 'the root is missed')
  expect(() => rig.outbound.isListed()).toThrow('does not exist')
})

describe('what happened while nobody watched', () => {
  test.each(['clean stop', 'no stop'])('after a %s is found at the start', async (kind) => {
    await started()
    const { epoch } = rig.report
    if (kind === 'clean stop') await rig.stop()
    else await rig.abandon()
    writeFileSync(rig.at('new'), '1')
    renameSync(rig.at('old'), rig.at('older'))
    renameSync(rig.at('folder'), rig.at('other'))
    rmSync(rig.at('link'))
    await rig.start({ config: { known: { epoch, seq: rig.lastHead } } })
    const records = told(await rig.flush())
    expect(records.toSorted()).toEqual(
      [
        'create new',
        'rename older (old)',
        'delete old',
        'rename other (folder)',
        'move other/inner (folder/inner)',
        'delete folder/inner',
        'delete folder',
        'delete link',
      ].toSorted(),
    )
    expect(rig.report.epoch).toBe(epoch)
  })
})

describe('flush', () => {
  test('has everything that was written before it, in many folders', async () => {
    await started()
    for (let round = 0; round < 20; round++) {
      mkdirSync(rig.at(`r${round}/s`), { recursive: true })
      writeFileSync(rig.at(`r${round}/s/f`), String(round))
      const [position] = await rig.cms.flush('p1')
      expect(position).toEqual({
        sourceId: 's1',
        epoch: rig.outbound.epoch(),
        headSeq: rig.outbound.headSeq(),
      })
      expect(rig.paths()).toContain(`r${round}/s/f`)
    }
  })

  test('of a policy without sources here gives none', async () => {
    await started()
    expect(await rig.cms.flush('other')).toEqual([])
  })
})

describe('the view', () => {
  test('a narrower filter excludes, a wider one brings back, and neither deletes', async () => {
    await started()
    await rig.configure({
      filter: { include: [], exclude: ['^folder$'], deleteExcluded: false },
      viewRevision: 2,
    })
    expect(told(await rig.flush())).toContain('excluded folder/inner')
    expect(rig.paths()).toEqual(['link', 'old'])
    expect(rig.report.viewRevision).toBe(2)
    writeFileSync(rig.at('folder/inner'), 'more')
    rig.pages.length = 0
    await rig.configure({
      filter: { include: ['^o'], exclude: [], deleteExcluded: false },
      viewRevision: 3,
    })
    await rig.flush()
    expect(rig.paths()).toEqual(['folder', 'old'])
    await rig.configure({
      filter: { include: [], exclude: [], deleteExcluded: false },
      viewRevision: 4,
    })
    await rig.flush()
    expect(rig.paths()).toEqual(['folder', 'folder/inner', 'link', 'old'])
  })

  test('what a filter leaves out is told to the last row, though nothing else changes', async () => {
    rig = new Rig()
    for (let index = 0; index < 2500; index++) writeFileSync(rig.at(`f${index}`), '')
    await rig.start()
    await settled(rig)
    const filter = { include: ['^f1'], exclude: [], deleteExcluded: false }
    await rig.configure({ filter, viewRevision: 2, known: { epoch: rig.outbound.epoch(), seq: 0 } })
    const excluded = () => rig.records.filter(({ operation }) => operation === 'excluded').length
    await until(() => excluded() === 2500 - 1111, 'all of it is told')
  })

  test('other metadata sends every row again', async () => {
    await started()
    const head = rig.outbound.headSeq()
    await rig.configure({ metadata: { ...rig.config.metadata, owner: 'off' }, viewRevision: 2 })
    await rig.flush()
    const again = rig.outbound.changes({ after: head, upTo: 1e6, limit: 100, liveOnly: true })
    const paths = again.map((row) => row.entry.path as string).toSorted()
    expect(paths).toEqual(['', ...rig.paths()])
  })

  test('another path is another source: nothing is deleted, the epoch is new', async () => {
    await started()
    const { epoch } = rig.report
    await rig.configure({ path: `${rig.config.path}/folder` })
    const records = told(await rig.flush())
    expect(rig.outbound.epoch()).not.toBe(epoch)
    expect(records).toEqual(['create inner'])
  })

  test('a filter that cannot be used leaves the source out and says so', async () => {
    await started()
    await rig.configure({ filter: { include: ['(?=x)'], exclude: [], deleteExcluded: false } })
    expect(rig.cms.outbound('s1')).toBeNull()
    expect(rig.logs.join('')).toContain('PATTERN_UNSAFE')
  })
})

describe('what the master knows', () => {
  test('a higher seq than the journal has begins a new epoch', async () => {
    await started()
    const { epoch } = rig.report
    await rig.configure({ known: { epoch, seq: rig.outbound.headSeq() + 1 } })
    await rig.flush()
    expect(rig.outbound.epoch()).not.toBe(epoch)
    expect(rig.paths()).toEqual(['folder', 'folder/inner', 'link', 'old'])
  })

  test('what a first look finds is told in full pages, others are few', async () => {
    rig = new Rig()
    for (let index = 0; index < 5000; index++) writeFileSync(rig.at(`f${index}`), '')
    const startedAtMs = performance.now()
    await rig.start()
    await rig.cms.flush('p1')
    const slowMs = performance.now() - startedAtMs
    expect(rig.records).toHaveLength(5001)
    const notFull = rig.pages.filter(({ records }) => records.length < 1000)
    // The first, the last, and one every 200 ms.
    expect(notFull.length).toBeLessThanOrEqual(2 + Math.ceil(slowMs / 200))
  })

  test('pages stop where nothing is confirmed, and go on with it', async () => {
    rig = new Rig({ confirms: false })
    for (let index = 0; index < 9500; index++) writeFileSync(rig.at(`f${index}`), '')
    await rig.start()
    await rig.cms.flush('p1')
    expect(rig.report.error).toBeNull()
    expect(rig.pages).toHaveLength(8)
    const { epoch } = rig.report
    rig.cms.changesRecorded({ sourceId: 's1', epoch: 'other', upTo: 9000 })
    rig.cms.changesRecorded({ sourceId: 's1', epoch, upTo: rig.pages[1]?.upTo ?? 0 })
    expect(rig.pages).toHaveLength(10)
    while (rig.lastHead < rig.outbound.headSeq()) {
      rig.cms.changesRecorded({ sourceId: 's1', epoch, upTo: rig.lastHead })
    }
    expect(new Set(rig.records.map((record) => record.path))).toHaveProperty('size', 9501)
  })

  test('a page that is not taken is offered again from where the master stands', async () => {
    let takes = false
    await started({ takesChanges: () => takes })
    expect(rig.pages).toEqual([])
    takes = true
    await rig.configure({ known: null })
    expect(told(rig.records)).toHaveLength(4)
    rig.pages.length = 0
    await rig.configure({ known: { epoch: rig.report.epoch, seq: rig.outbound.headSeq() } })
    expect(rig.pages).toEqual([])
    await rig.configure({ known: { epoch: 'of another life', seq: 1e6 } })
    expect(told(rig.records)).toHaveLength(4)
  })

  test('a source that is taken away is not watched, and taken up again where it was', async () => {
    await started()
    const { epoch } = rig.report
    await rig.cms.configure([])
    expect(rig.cms.outbound('s1')).toBeNull()
    writeFileSync(rig.at('new'), '1')
    await rig.configure({ known: { epoch, seq: rig.lastHead } })
    expect(told(await rig.flush())).toEqual(['create new'])
  })
})
