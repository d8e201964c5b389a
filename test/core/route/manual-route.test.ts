import { describe, expect, test } from 'bun:test'

import { type Chain, chainsProblem, planManual } from '../../../src/core/route/manual-route.ts'
import type { RelayTarget } from '../../../src/core/route/streams.ts'
import type { RouteNode } from '../../../src/core/route/tree.ts'

const SOURCE = { serverId: 'source', groupId: 'g', regionId: 'r' }

function target(serverId: string, position: string | null = 'p'): RelayTarget {
  const place = { serverId, groupId: 'g', regionId: 'r' }
  return { ...place, bindingId: `b-${serverId}`, position, lacksBytes: null, weight: 100 }
}

function planned(targets: readonly RelayTarget[], chains: readonly Chain[]): readonly RouteNode[] {
  return planManual({ source: SOURCE, targets, rules: [], ceilings: [] }, chains).children
}

/** The tree as text: each server with its children. */
function drawn(nodes: readonly RouteNode[]): string {
  return nodes
    .map(({ serverId, children }) =>
      children.length === 0 ? serverId : `${serverId}(${drawn(children)})`,
    )
    .join(' ')
}

const targets = (...names: string[]) => names.map((name) => target(name))

test.each([
  ['one chain', targets('a', 'b', 'c'), [['a', 'b', 'c']], 'a(b(c))'],
  [
    'two chains',
    targets('a', 'b', 'c', 'd'),
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
    'a(b) c(d)',
  ],
  [
    'two that begin alike',
    targets('a', 'b', 'c'),
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
    'a(b c)',
  ],
  ['who is in no chain', targets('a', 'b', 'x'), [['a', 'b']], 'a(b) x'],
  ['who is no target now', targets('a', 'c'), [['a', 'b', 'c']], 'a(c)'],
  ['the first is no target now', targets('b', 'c'), [['a', 'b', 'c']], 'b(c)'],
  ['nobody before is', targets('c'), [['a', 'b', 'c']], 'c'],
] as const)('%s', (...[, lacking, chains, tree]) => {
  expect(drawn(planned(lacking, chains))).toBe(tree)
})

describe('who cannot pass on is passed over', () => {
  const chain = [['a', 'b', 'c']]

  test('whoever holds something else', () => {
    const lacking = [target('a'), target('b', 'other'), target('c')]
    expect(drawn(planned(lacking, chain))).toBe('a(c) b')
  })

  test('whoever is in trouble', () => {
    const lacking = [target('a'), target('b', null), target('c')]
    const [first] = planned(lacking, chain)
    expect(drawn(planned(lacking, chain))).toBe('a(c) b')
    expect(first?.why).toBe('as the chain says')
    expect(first?.children[0]?.why).toBe('as the chain says, past what cannot pass it on now')
  })
})

test.each([
  ['nothing', [], null],
  [
    'chains that begin alike',
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
    null,
  ],
  ['a server twice', [['a', 'b', 'a']], 'a chain comes to one server twice'],
  [
    'two ways to a server',
    [
      ['a', 'c'],
      ['b', 'c'],
    ],
    'one server follows on two different ones',
  ],
  ['first here, second there', [['c'], ['b', 'c']], 'one server follows on two different ones'],
  [
    'round in two chains',
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    'one server follows on two different ones',
  ],
] as const)('what is wrong with %s', (...[, chains, problem]) => {
  expect(chainsProblem(chains)).toBe(problem)
})
