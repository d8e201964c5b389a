import { describe, expect, test } from 'bun:test'

import { GATHER_MS, RETRY_MAX_MS, retryAtMs } from '../../../src/core/plan/planner.ts'
import type { PlanTarget } from '../../../src/core/plan/state.ts'
import { type Case, EPOCH, NOW_MS, at, planOf, target } from './plan-of.ts'

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
