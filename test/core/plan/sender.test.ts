import { describe, expect, test } from 'bun:test'

import type { LostWay, PlanSource, PlanState, PlanTarget } from '../../../src/core/plan/state.ts'
import { EPOCH, NOW_MS, at, planOf, source, target } from './plan-of.ts'

test('a way that was lost is tried again when that was a minute ago, whatever happens meanwhile', () => {
  const at9 = { ...target, ...at(9), dialsOut: false }
  const way = { serverId: 'server-s', groupId: 'g1', regionId: 'r1', isSure: true }
  const lost = { ...at9, lostWays: [{ ...way, atMs: NOW_MS - 50_000 }] }
  const place = { serverId: 'other', groupId: 'g2', regionId: 'r1' }
  const other = { ...target, bindingId: 'o', place, ...at(9), runningJobId: 'j' }
  const { wakeAtMs } = planOf({ state: { sources: [source], targets: [lost, other] } })
  expect(wakeAtMs).toBe(NOW_MS + 10_000)
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
  const dials = { dialsOut: true }
  const lostFrom = (server: string, changes: Partial<LostWay> = {}) => {
    return { lostWays: [{ ...place(server), atMs: NOW_MS - 1000, isSure: true, ...changes }] }
  }
  const lost = lostFrom('A1s')
  const once = lostFrom('A1s', { isSure: false })
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
    ['away: what is pending', 'B1a 60', { ...at(60), pendingCount: 1 }, [one('B1a', 60)], gone],
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
    [
      'cut off: what is pending',
      'C1a 99',
      { ...at(99), ...lost, pendingCount: 1 },
      [one('C1a', 99)],
      {},
    ],
    ['cut off: who can be served soon waits', null, { ...at(99), ...lost }, [one('C1a', 99)], {}],
    ['cut off like all others', 'source 100', { ...at(99), ...lost }, [one('C1a', 99, lost)], {}],
    [
      'cut off a while ago',
      'source 100',
      { ...at(9), ...lostFrom('A1s', { atMs: NOW_MS - 60_000 }) },
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
    [
      'cut off with its region: not one that stands where the way is lost from',
      'C1a 50',
      { ...at(9), ...lost },
      [one('B1x', 9, lost), one('A1a', 99), one('C1a', 50)],
      {},
    ],
    [
      'cut off: who cannot reach it either is not asked',
      'C1a 50',
      { ...at(9), lostWays: [...lost.lostWays, ...lostFrom('A1a').lostWays] },
      [one('A1a', 99), one('C1a', 50)],
      {},
    ],
    ['one attempt of the source failed', 'source 100', { ...at(9), ...once }, [one('C1a', 99)], {}],
    [
      'one attempt at each of several of a region failed',
      'C1a 99',
      at(9),
      [one('B1x', 9, once), one('B2y', 9, once), one('C1a', 99)],
      {},
    ],
    [
      'several of another group of its region cut off',
      'source 100',
      at(9),
      [one('B2x', 9, lost), one('B2y', 9, lost), one('B2z', 9), one('C1a', 99)],
      {},
    ],
    [
      'several of its group cut off',
      'B2a 50',
      at(9),
      [one('B1x', 9, once), one('B1y', 9, once), one('B2a', 50), one('C1a', 99)],
      {},
    ],
    [
      'several of its region are gone',
      'source 100',
      at(9),
      [one('B1x', 9, { ...lost, ...gone }), one('B2y', 9, { ...lost, ...gone }), one('C1a', 99)],
      {},
    ],
    ['dialling out', 'source 100', at(9), [one('B1a', 100)], dials],
    ['dialling out itself', 'source 100', { ...at(9), ...dials }, [one('B1a', 100)], {}],
    [
      'dialling out itself, and away: one that can be dialled',
      'C1a 50',
      { ...at(9), ...dials },
      [one('B1a', 90, dials), one('C1a', 50)],
      gone,
    ],
    ['away: one that dials out', 'B1a 90', at(9), [one('B1a', 90, dials)], gone],
    ['both dialling out', 'C1a 50', { ...at(9), ...dials }, [one('C1a', 50)], dials],
    ['both dialling out: what is to come', null, { ...at(50), ...dials }, [one('C1a', 50)], dials],
    [
      'both dialling out like all others',
      'source 100',
      { ...at(50), ...dials },
      [one('C1a', 60, dials)],
      dials,
    ],
    [
      'both dialling out, and asked for what is to come: what is there',
      'C1a 50',
      { ...at(9), ...dials },
      [one('C1a', 50)],
      { ...dials, ...goal(90) },
    ],
    [
      'one of a region where others are not registered',
      'source 100',
      at(9),
      [one('B1x', 9, { ...lost, ...dials }), one('B2y', 9, { ...lost, ...dials }), one('C1a', 99)],
      {},
    ],
    ['one of its region cut off', 'source 100', at(9), [one('B1x', 9, lost), one('C1a', 99)], {}],
    ['asked for, and cut off', 'C1a 90', { ...at(9), ...lost }, [one('C1a', 99)], goal(90)],
    ['asked for', 'source 90', at(1), [one('B1a', 100)], goal(90)],
    ['cut off', 'B1a 90', at(1), [one('B1a', 95)], goal(90, ['me'])],
    [
      'cut off in the source’s own group',
      'A1a 90',
      { ...at(1), place: place('A1m') },
      [one('A1a', 95)],
      goal(90, ['me']),
    ],
    ['cut off, and nobody has all', 'source 90', at(1), [one('B1a', 80)], goal(90, ['me'])],
  ])('%s: %s', (...[, expected, me, others, { goals = [], ...ofSource }]) => {
    const sources = [{ ...source, headSeq: 100, place: place('A1s'), ...ofSource }]
    const targets = [...others, one('B1m', 0, { ...me, bindingId: 'me' })]
    const { jobs } = planOf({ state: { sources, targets, goals } })
    const job = jobs.find(({ bindingIds }) => bindingIds.includes('me'))
    expect(job === undefined ? null : `${job.holderId ?? 'source'} ${job.to.seq}`).toBe(expected)
  })
})
