import { describe, expect, test } from 'bun:test'

import { GATHER_MS, RETRY_MAX_MS, plan, retryAtMs } from '../../../src/core/plan/planner.ts'
import type { PlanSource, PlanState, PlanTarget } from '../../../src/core/plan/state.ts'

const NOW_MS = 1_000_000
const EPOCH = 'epoch-1'

const source: PlanSource = {
  sourceId: 's',
  connected: true,
  epoch: EPOCH,
  headSeq: 10,
  scanned: true,
  place: { serverId: 'server-s', groupId: 'g1', regionId: 'r1' },
}
const target: PlanTarget = {
  bindingId: 'b',
  sourceId: 's',
  place: { serverId: 'server-b', groupId: 'g2', regionId: 'r1' },
  canServe: true,
  weight: 100,
  recoverAtMs: null,
  sourceLostAtMs: null,
  connected: true,
  reported: true,
  awaitedSinceMs: 0,
  drained: false,
  watermark: { epoch: EPOCH, seq: 10 },
  pendingCount: 0,
  runningJobId: null,
  failures: 0,
  wasAway: false,
  waivedSeq: null,
  lastTry: null,
  hold: null,
}
const at = (seq: number) => ({ watermark: { epoch: EPOCH, seq } })

interface Case {
  readonly source?: Partial<PlanSource>
  readonly target?: Partial<PlanTarget>
  readonly policy?: Partial<PlanState['policy']>
  readonly state?: Partial<PlanState>
}

function planOf(of: Case) {
  return plan({
    nowMs: NOW_MS,
    licensed: true,
    policy: { enabled: true, mode: 'realtime', recovery: 'immediate', ...of.policy },
    sources: [{ ...source, ...of.source }],
    targets: [{ ...target, ...of.target }],
    goals: [],
    ...of.state,
  })
}

describe('what starts now', () => {
  const table: readonly (readonly [string, Case, string | null])[] = [
    ['all is there', {}, null],
    ['something is new', { target: at(9) }, 'realtime'],
    ['first contact', { target: { watermark: null } }, 'initial'],
    [
      'first contact with an empty source',
      { target: { watermark: null }, source: { headSeq: 0 } },
      'initial',
    ],
    ['another epoch', { target: { watermark: { epoch: 'old', seq: 99 } } }, 'initial'],
    [
      'first contact in mid-scan: its list follows the scan',
      { target: { watermark: null }, source: { scanned: false } },
      'initial',
    ],
    [
      'first contact before the scan has found anything',
      { target: { watermark: null }, source: { scanned: false, headSeq: 0 } },
      null,
    ],
    [
      'another epoch in mid-scan',
      { target: { watermark: { epoch: 'old', seq: 9 } }, source: { scanned: false } },
      'initial',
    ],
    ['something is new in mid-scan', { target: at(9), source: { scanned: false } }, 'realtime'],
    ['away and behind', { target: { ...at(9), wasAway: true } }, 'recovery'],
    ['away and not behind', { target: { wasAway: true } }, null],
    ['pending', { target: { pendingCount: 1 } }, 'recovery'],
    ['failed before', { target: { ...at(9), failures: 1 } }, 'recovery'],
    ['a job runs', { target: { ...at(9), runningJobId: 'j' } }, null],
    ['source away', { target: at(9), source: { connected: false } }, null],
    ['source without a journal', { target: at(9), source: { epoch: null } }, null],
    ['target away', { target: { ...at(9), connected: false } }, null],
    ['target has not said where it is', { target: { ...at(9), reported: false } }, null],
    ['drained', { target: { ...at(9), drained: true } }, null],
    ['paused', { target: at(9), policy: { enabled: false } }, null],
    ['no licence', { target: at(9), state: { licensed: false } }, null],
    ['a person starts each run', { target: at(9), policy: { mode: 'manual' } }, null],
    [
      'a person starts the first run too',
      { target: { watermark: null }, policy: { mode: 'manual' } },
      null,
    ],
    [
      'a person starts recoveries',
      { target: { ...at(9), wasAway: true }, policy: { recovery: 'manual' } },
      null,
    ],
    [
      'a recovery whose time has come',
      {
        target: { ...at(9), wasAway: true, recoverAtMs: NOW_MS },
        policy: { recovery: 'reserved' },
      },
      'recovery',
    ],
    [
      'a recovery of which nobody knows the time',
      { target: { ...at(9), wasAway: true }, policy: { recovery: 'reserved' } },
      null,
    ],
    [
      'what failed without having been away waits for no person',
      { target: { ...at(9), failures: 1 }, policy: { recovery: 'manual' } },
      'recovery',
    ],
    [
      'another epoch, and away: that is to be made up as well',
      { target: { watermark: null, wasAway: true }, policy: { recovery: 'manual' } },
      null,
    ],
    [
      'recoveries wait, changes do not',
      { target: at(9), policy: { recovery: 'manual' } },
      'realtime',
    ],
    ['cancelled up to here', { target: { ...at(9), waivedSeq: 10 } }, null],
    ['something newer than what was cancelled', { target: { ...at(8), waivedSeq: 9 } }, 'realtime'],
    ['binding of a source that is gone', { target: { ...at(9), sourceId: 'gone' } }, null],
  ]
  test.each(table)('%s', (_, of, kind) => {
    const { jobs } = planOf(of)
    expect(jobs.map((job) => job.kind)).toEqual(kind === null ? [] : [kind as never])
    for (const job of jobs) expect(job.to).toEqual({ epoch: EPOCH, seq: of.source?.headSeq ?? 10 })
  })
})

test('a recovery is looked at again when its time comes', () => {
  const target = { ...at(9), wasAway: true, recoverAtMs: NOW_MS + 5000 }
  const planned = planOf({ target, policy: { recovery: 'reserved' } })
  expect(planned).toEqual({ jobs: [], wakeAtMs: NOW_MS + 5000 })
})

describe('what failed is tried again', () => {
  const tried = (agoMs: number, headSeq = 10, rounds = 1) => ({
    lastTry: { atMs: NOW_MS - agoMs, headSeq, rounds },
  })
  const table: readonly (readonly [
    string,
    Partial<PlanTarget>,
    { start: boolean; wakeInMs: number | null },
  ])[] = [
    ['not at once', { ...at(9), failures: 1, ...tried(500) }, { start: false, wakeInMs: 1500 }],
    [
      'after two seconds',
      { ...at(9), failures: 1, ...tried(2000) },
      { start: true, wakeInMs: null },
    ],
    [
      'later each time',
      { ...at(9), failures: 3, ...tried(2000) },
      { start: false, wakeInMs: 6000 },
    ],
    [
      'within five minutes at the latest',
      { ...at(9), failures: 99, ...tried(0) },
      { start: false, wakeInMs: RETRY_MAX_MS },
    ],
    [
      'news do not make a dead target busy',
      { ...at(9), failures: 1, ...tried(0, 9) },
      { start: false, wakeInMs: 2000 },
    ],
    [
      'at once where nothing was tried since it came back',
      { ...at(9), failures: 9 },
      { start: true, wakeInMs: null },
    ],
    ['pending waits too', { pendingCount: 1, ...tried(0) }, { start: false, wakeInMs: 2000 }],
    [
      'pending does not hold up what is new',
      { ...at(9), pendingCount: 1, ...tried(0, 9) },
      { start: true, wakeInMs: null },
    ],
  ]
  test.each(table)('%s', (_, fields, { start, wakeInMs }) => {
    const decided = planOf({ target: fields })
    expect(decided.jobs.length).toBe(start ? 1 : 0)
    expect(decided.wakeAtMs).toBe(wakeInMs === null ? null : NOW_MS + wakeInMs)
  })

  test('the pause grows and ends at five minutes', () => {
    expect([1, 2, 3, 8, 9, 1000].map((failures) => retryAtMs(failures, 0))).toEqual([
      2000, 4000, 8000, 256_000, 300_000, 300_000,
    ])
  })
})

describe('targets share a job where they get the same', () => {
  const targets = [
    { ...target, ...at(9), bindingId: 'one' },
    { ...target, ...at(3), bindingId: 'two' },
    { ...target, watermark: null, bindingId: 'new' },
    { ...target, ...at(9), bindingId: 'busy', runningJobId: 'j' },
    { ...target, bindingId: 'done' },
  ]

  test('by kind', () => {
    expect(planOf({ state: { targets } }).jobs).toMatchObject([
      { kind: 'realtime', bindingIds: ['one', 'two'] },
      { kind: 'initial', bindingIds: ['new'] },
    ])
  })

  test('the same state gives the same plan', () => {
    expect(planOf({ state: { targets } })).toEqual(planOf({ state: { targets } }))
  })

  test('what a person asked for goes first, in every mode, for whoever is free', () => {
    const goals = [
      { jobId: 'g', to: { epoch: EPOCH, seq: 7 }, bindingIds: ['two', 'busy'], cutOff: [] },
    ]
    const { jobs } = planOf({ policy: { mode: 'manual' }, state: { targets, goals } })
    expect(jobs).toEqual([
      {
        jobId: 'g',
        sourceId: 's',
        holderId: null,
        kind: 'manual',
        to: { epoch: EPOCH, seq: 7 },
        bindingIds: ['two'],
      },
    ])
  })

  test('a goal of an older epoch means the head of the new one', () => {
    const goals = [{ jobId: 'g', to: { epoch: 'old', seq: 7000 }, bindingIds: ['two'], cutOff: [] }]
    const { jobs } = planOf({ policy: { mode: 'manual' }, state: { targets, goals } })
    expect(jobs[0]?.to).toEqual({ epoch: EPOCH, seq: 10 })
  })
})

describe('a first run waits for those who were only just told of it', () => {
  const first = { ...target, watermark: null, bindingId: 'first' }
  const due = { ...first, reported: false, awaitedSinceMs: NOW_MS - 1000, bindingId: 'due' }
  const decided = (other: Partial<PlanTarget>, own: Partial<PlanTarget> = {}) =>
    planOf({
      state: {
        targets: [
          { ...first, ...own },
          { ...due, ...other },
        ],
      },
    })

  test('so that both are in it', () => {
    expect(decided({})).toEqual({ jobs: [], wakeAtMs: NOW_MS - 1000 + GATHER_MS })
    expect(decided({ reported: true }).jobs).toMatchObject([{ bindingIds: ['first', 'due'] }])
  })

  test.each<[string, Partial<PlanTarget>, Partial<PlanTarget>]>([
    ['whose word is overdue', { awaitedSinceMs: NOW_MS - GATHER_MS }, {}],
    ['who is away', { connected: false }, {}],
    ['who is drained', { drained: true }, {}],
    ['where the clock was set back', { awaitedSinceMs: NOW_MS + 1 }, {}],
    ['with something new', {}, at(9)],
  ])('but not for one %s', (_, other, own) => {
    expect(decided(other, own).jobs).toMatchObject([{ bindingIds: ['first'] }])
  })
})

describe('who sends', () => {
  const place = (server: string) => {
    const [regionId = '', groupId = ''] = server
    return { serverId: server, groupId: `${regionId}${groupId}`, regionId }
  }
  /** A target at `RGn`: region, group, name; `seq` null where it holds nothing. */
  const one = (
    server: string,
    seq: number | null,
    changes: Partial<PlanTarget> = {},
  ): PlanTarget => ({
    ...target,
    bindingId: server,
    place: place(server),
    watermark: seq === null ? null : { epoch: EPOCH, seq },
    ...changes,
  })
  const away = { wasAway: true }
  const failed = { failures: 1 }
  const gone = { connected: false }
  const lost = { sourceLostAtMs: NOW_MS - 1000 }
  const goal = (seq: number, cutOff: readonly string[] = []) => ({
    goals: [{ jobId: 'g', to: { epoch: EPOCH, seq }, bindingIds: ['me'], cutOff }],
  })
  interface Order extends Partial<PlanSource> {
    readonly goals?: PlanState['goals']
  }

  test.each<[string, string | null, Partial<PlanTarget>, readonly PlanTarget[], Order]>([
    ['what is new', 'source 100', at(99), [one('B1a', 100)], {}],
    ['who was away', 'B1a 100', { ...at(1), ...away }, [one('B1a', 100)], {}],
    ['who has nothing', 'B2a 100', { watermark: null }, [one('B2a', 100)], {}],
    ['group before region', 'B1a 99', { ...at(1), ...away }, [one('B2a', 100), one('B1a', 99)], {}],
    ['one that lacks too much', 'source 100', { ...at(1), ...away }, [one('B1a', 50)], {}],
    ['one as far as the source', 'source 100', { ...at(1), ...away }, [one('C1a', 100)], {}],
    ['one that failed', 'source 100', { ...at(1), ...away, ...failed }, [one('B1a', 100)], {}],
    ['away: whoever has most', 'C1a 60', at(1), [one('B1a', 50), one('C1a', 60)], gone],
    ['away: of equals the nearest', 'B1a 60', at(1), [one('C1a', 60), one('B1a', 60)], gone],
    [
      'away: another that failed',
      'B1a 60',
      { ...at(1), ...failed },
      [one('C1a', 70), one('B1a', 60)],
      gone,
    ],
    ['away: nobody has more', null, at(60), [one('B1a', 60)], gone],
    ['away: more than it had said', 'B1a 120', at(100), [one('B1a', 120)], gone],
    ['away: one that lacks something', null, at(1), [one('B1a', 60, { pendingCount: 1 })], gone],
    [
      'away: one that is held',
      null,
      at(1),
      [one('B1a', 60, { hold: { code: 'MAX_DELETE' } })],
      gone,
    ],
    ['away: one that is away itself', null, at(1), [one('B1a', 60, gone)], gone],
    ['away: one that has not reported', null, at(1), [one('B1a', 60, { reported: false })], gone],
    ['away: one that is drained', null, at(1), [one('B1a', 60, { drained: true })], gone],
    ['away: one that may not', null, at(1), [one('B1a', 60, { canServe: false })], gone],
    [
      'away: another epoch',
      null,
      at(1),
      [one('B1a', 0, { watermark: { epoch: 'old', seq: 60 } })],
      gone,
    ],
    [
      'asked for, and away',
      'C1a 90',
      at(1),
      [one('B1a', 60), one('C1a', 100)],
      { ...gone, ...goal(90) },
    ],
    ['cut off from it', 'C1a 99', { ...at(9), ...lost }, [one('C1a', 99)], {}],
    ['cut off: the nearest', 'B2a 50', { ...at(9), ...lost }, [one('C1a', 99), one('B2a', 50)], {}],
    ['cut off: who can be served soon waits', null, { ...at(99), ...lost }, [one('C1a', 99)], {}],
    ['cut off like all others', 'source 100', { ...at(99), ...lost }, [one('C1a', 99, lost)], {}],
    [
      'cut off a while ago',
      'source 100',
      { ...at(9), sourceLostAtMs: NOW_MS - 60_000 },
      [one('C1a', 99)],
      {},
    ],
    [
      'cut off with its region',
      'C1a 99',
      at(9),
      [one('B1x', 9, lost), one('B2y', 9, lost), one('C1a', 99)],
      {},
    ],
    ['one of its region cut off', 'source 100', at(9), [one('B1x', 9, lost), one('C1a', 99)], {}],
    ['asked for, and cut off', 'C1a 90', { ...at(9), ...lost }, [one('C1a', 99)], goal(90)],
    ['asked for', 'source 90', at(1), [one('B1a', 100)], goal(90)],
    ['cut off', 'B1a 90', at(1), [one('B1a', 95)], goal(90, ['me'])],
    ['cut off, and nobody has all', 'source 90', at(1), [one('B1a', 80)], goal(90, ['me'])],
  ])('%s: %s', (...[, expected, me, others, { goals = [], ...ofSource }]) => {
    const sources = [{ ...source, headSeq: 100, place: place('A1s'), ...ofSource }]
    const targets = [...others, one('B1m', 0, { ...me, bindingId: 'me' })]
    const { jobs } = planOf({ state: { sources, targets, goals } })
    const job = jobs.find(({ bindingIds }) => bindingIds.includes('me'))
    expect(job === undefined ? null : `${job.holderId ?? 'source'} ${job.to.seq}`).toBe(expected)
  })
})
