import { expect, test } from 'bun:test'

import { DEPTH_MAX, planRelays } from '../../../src/core/route/plan-relays.ts'
import type { RelayTarget } from '../../../src/core/route/streams.ts'
import { type RouteNode, waysOf } from '../../../src/core/route/tree.ts'
import { random } from '../../fakes/random.ts'

const SOURCE = { serverId: 'source', groupId: 'g0', regionId: 'r0' }
const LARGE = 1 << 30
const RULES = { rules: [], ceilings: [] }

function target(
  id: number,
  place: { group: number; region: number },
  more: Partial<RelayTarget> = {},
): RelayTarget {
  const number = String(id).padStart(4, '0')
  const { group, region } = place
  const [groupId, regionId] = [`g${group}`, `r${region}`]
  const names = { serverId: `s${number}`, bindingId: `b${number}`, groupId, regionId }
  return { ...names, position: 'p', lacksBytes: LARGE, weight: 100, ...more }
}

function plan(targets: readonly RelayTarget[], lacksBytes: number | null = LARGE) {
  const lacking = targets.map((one) => ({ ...one, lacksBytes }))
  return planRelays({ source: SOURCE, targets: lacking, ...RULES }).children
}

/** The tree as text: each server with its children. */
function drawn(nodes: readonly RouteNode[]): string {
  return nodes
    .map(({ serverId, children }) => {
      const below = children.length === 0 ? '' : `(${drawn(children)})`
      return `${Number(serverId.slice(1))}${below}`
    })
    .join(' ')
}

function walk(nodes: readonly RouteNode[], depth = 1): { node: RouteNode; depth: number }[] {
  return nodes.flatMap((node) => [{ node, depth }, ...walk(node.children, depth + 1)])
}

const near = { group: 0, region: 0 }
const next = { group: 1, region: 0 }
const far = { group: 2, region: 1 }
const farther = { group: 3, region: 1 }

test.each<[string, [readonly RelayTarget[], number | null], string]>([
  ['a chain for large content', [[1, 2, 3].map((id) => target(id, near)), LARGE], '1(2(3))'],
  ['of unknown size too', [[1, 2, 3].map((id) => target(id, near)), null], '1(2(3))'],
  ['small changes directly', [[1, 2, 3].map((id) => target(id, near)), 1000], '1 2 3'],
  [
    'once into a group',
    [[target(1, near), target(2, next), target(3, near), target(4, next)], LARGE],
    '1(3) 2(4)',
  ],
  [
    'once into a region, then once into a group',
    [[target(1, far), target(2, farther), target(3, far), target(4, farther)], LARGE],
    '1(2(4) 3)',
  ],
  ['even with small changes', [[target(1, far), target(2, far)], 10], '1(2)'],
  [
    'who cannot share is served directly',
    [
      [
        target(1, near, { position: null }),
        target(2, near),
        target(3, near, { position: 'other' }),
        target(4, near),
      ],
      LARGE,
    ],
    '1 2(4) 3',
  ],
  [
    'the heaviest first',
    [[target(1, near), target(2, near, { weight: 200 }), target(3, near)], LARGE],
    '2(1(3))',
  ],
  [
    'never from a server to itself: its second folder is in another stream',
    [
      [target(1, near), target(2, near), target(3, near, { serverId: 's0001' }), target(4, near)],
      LARGE,
    ],
    '1(2(4)) 1',
  ],
])('%s', (_what, [targets, bytes], expected) => {
  expect(drawn(plan(targets, bytes))).toBe(expected)
})

test('in the stead of the source a small change too enters each group once', () => {
  const targets = [1, 2, 3, 4].map((id) => target(id, id < 3 ? near : next, { lacksBytes: 1000 }))
  const { children } = planRelays({ source: SOURCE, targets, ...RULES, isInStead: true })
  expect(drawn(children)).toBe('1 2 3(4)')
})

test('every hop says why, and runs by the options between its two ends', () => {
  const nodes = walk(plan([target(1, far), target(2, far)])).map(({ node }) => node)
  expect(nodes.map(({ hop }) => hop.scope)).toEqual(['international', 'group'])
  expect(nodes[0]?.reason).toContain('the way into its region')
  expect(nodes[1]?.reason).toContain('in a chain')
})

test('whatever the fleet: every target once, only equals share, bounded depth, the same tree again', () => {
  const pick = random(7)
  for (let round = 0; round < 300; round++) {
    const targets = Array.from({ length: pick(120) }, (_, id) => {
      const group = pick(12)
      const position = ['p', 'q', null][pick(3)] ?? null
      return target(id, { group, region: Math.floor(group / 4) }, { position })
    })
    const bytes = [null, 0, LARGE][pick(3)] ?? null
    const tree = plan(targets, bytes)
    const all = walk(tree)
    expect(all.map(({ node }) => node.bindingId).sort()).toEqual(targets.map((t) => t.bindingId))
    expect(Math.max(0, ...all.map(({ depth }) => depth))).toBeLessThanOrEqual(DEPTH_MAX)
    expect(plan(targets.toReversed(), bytes)).toEqual(tree)
    const positionOf = new Map(targets.map((t) => [t.bindingId, t.position]))
    for (const { node } of all) {
      for (const child of node.children) {
        const position = positionOf.get(child.bindingId)
        expect(position).not.toBeNull()
        expect(positionOf.get(node.bindingId)).toBe(position as string)
      }
    }
    const crossings = all.filter(({ node }) => node.hop.scope === 'international')
    const foreign = targets.filter((t) => t.regionId !== 'r0')
    const keys = new Set(foreign.map((t) => `${t.regionId} ${t.position ?? t.bindingId}`))
    expect(crossings).toHaveLength(keys.size)
  }
})

test('the same region is entered more than once where one branch would be too large for a frame', () => {
  const targets = Array.from({ length: 600 }, (_, id) => target(id, far))
  const tree = plan(targets)
  expect(tree.map((node) => walk([node]).length)).toEqual([200, 200, 200])
})

test('each stream has the shape of what it carries', () => {
  const behind = [1, 2].map((id) => target(id, near, { position: 'old' }))
  const there = [3, 4].map((id) => target(id, near, { lacksBytes: 10 }))
  const request = { source: SOURCE, targets: [...behind, ...there], ...RULES }
  expect(drawn(planRelays(request).children)).toBe('1(2) 3 4')
})

test('the way to each target names those that pass it on', () => {
  const tree = planRelays({
    source: SOURCE,
    targets: [1, 2, 3].map((id) => target(id, near)),
    ...RULES,
  })
  const ways = [...waysOf(tree, null)].map(([bindingId, { relays }]) => [bindingId, relays])
  expect(ways).toEqual([
    ['b0001', []],
    ['b0002', ['b0001']],
    ['b0003', ['b0001', 'b0002']],
  ])
})
