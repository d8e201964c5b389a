import { expect, test } from 'bun:test'

import { foresee } from '../../../src/core/plan/foresee.ts'
import type { PlanSource, PlanTarget } from '../../../src/core/plan/state.ts'
import { EPOCH, NOW_MS, source, target } from './plan-of.ts'

/** A target at `RGn`: region, group, name. */
function one(server: string, seq: number, changes: Partial<PlanTarget> = {}): PlanTarget {
  const [regionId = '', groupId = ''] = server
  const place = { serverId: server, groupId: `${regionId}${groupId}`, regionId }
  const watermark = { epoch: EPOCH, seq }
  return { ...target, bindingId: server, place, watermark, ...changes }
}

const HOME = { ...source, place: { serverId: 's', groupId: 'A1', regionId: 'A' } }
const gone = { connected: false }
const lost = { lostWays: [{ ...HOME.place, atMs: NOW_MS, isSure: true }] }
const dials = { dialsOut: true }

test.each<[string, readonly PlanTarget[], Partial<PlanSource>, string]>([
  ['the source sends to all', [one('A1a', 10), one('B1a', 10)], {}, 'source: A1a B1a'],
  ['to those that are there', [one('A1a', 10), one('B1a', 10, gone)], {}, 'source: A1a'],
  ['not to those that are drained', [one('A1a', 10, { drained: true })], {}, ''],
  [
    'who was away and is far behind gets it from the nearest',
    [one('B1a', 100), one('B1b', 1, { wasAway: true })],
    { headSeq: 100 },
    'source: B1a; B1a: B1b',
  ],
  [
    'to whose region it has no way gets it from another that will have it',
    [one('B1a', 10, lost), one('B1b', 10, lost), one('C1a', 10), one('A1a', 10)],
    {},
    'source: A1a C1a; C1a: B1a B1b',
  ],
  ['its own region first', [one('B1a', 10, lost), one('B2a', 10)], {}, 'source: B2a; B2a: B1a'],
  ['where nobody else is reached it tries itself', [one('B1a', 10, lost)], {}, 'source: B1a'],
  ['that neither can be connected to', [one('B1a', 10, dials)], dials, 'source: B1a'],
  [
    'nor that others can serve',
    [one('B1a', 10, dials), one('C1a', 10)],
    dials,
    'source: C1a; C1a: B1a',
  ],
  [
    'is away: who holds most sends to who lacks it',
    [one('A1a', 9), one('B1a', 5), one('B1b', 9)],
    gone,
    'B1b: B1a',
  ],
  ['is away: all hold the same', [one('A1a', 9), one('B1a', 9)], gone, ''],
])('the source: %s', (...[, targets, changes, expected]) => {
  const runs = foresee({ ...HOME, ...changes }, { nowMs: NOW_MS, targets })
  const said = runs.map(({ holderId, bindingIds }) => {
    return `${holderId ?? 'source'}: ${bindingIds.toSorted().join(' ')}`
  })
  expect(said.join('; ')).toBe(expected)
})
