import { describe, expect, test } from 'bun:test'

import {
  type RoutePlace,
  type RouteRule,
  hopOptions,
  scopeBetween,
} from '../../../src/core/route/hop-options.ts'

const place = (serverId: string, groupId: string, regionId: string): RoutePlace => ({
  serverId,
  groupId,
  regionId,
})
const here = place('src', 'g1', 'r1')
const near = place('near', 'g1', 'r1')
const region = place('region', 'g2', 'r1')
const far = place('far', 'g3', 'r2')

function hopTo(
  to: RoutePlace,
  rules: readonly RouteRule[] = [],
  ceilings: readonly RouteRule[] = [],
) {
  return hopOptions({ rules, ceilings }, here, to)
}

test.each([
  [near, 'group'],
  [region, 'region'],
  [far, 'international'],
] as const)('scope to %j is %s', (to, scope) => {
  expect(scopeBetween(here, to)).toBe(scope)
})

type Case = readonly [to: RoutePlace, rules: RouteRule[], ceilings: RouteRule[]]

describe('options', () => {
  const own = (fields: Partial<RouteRule>): RouteRule => ({ scope: 'group', ...fields })
  const table: readonly (readonly [string, Case, object])[] = [
    [
      'within a group',
      [near, [], []],
      { method: 'patch', compression: 1, tls: true, rateBytesPerS: null },
    ],
    ['beyond a group', [region, [], []], { compression: 3 }],
    [
      'the policy says',
      [near, [own({ method: 'copy', compression: 0 })], []],
      { method: 'copy', compression: 0, tls: true },
    ],
    [
      'rules of other scopes do not count',
      [far, [own({ compression: 9 })], []],
      { compression: 3 },
    ],
    [
      'a pair of regions before a scope',
      [
        far,
        [
          { scope: { from: 'r1', to: 'r2' }, compression: 7 },
          { scope: 'international', compression: 5 },
        ],
        [],
      ],
      { compression: 7 },
    ],
    [
      'a pair of servers before a pair of groups',
      [
        far,
        [
          { scope: { from: 'src', to: 'far' }, compression: 8 },
          { scope: { from: 'g1', to: 'g3' }, compression: 6 },
        ],
        [],
      ],
      { compression: 8 },
    ],
    [
      'a fleet-wide rule where the policy says nothing',
      [near, [], [own({ compression: 4 })]],
      { compression: 4 },
    ],
    [
      'a rate above the ceiling comes down',
      [near, [own({ rateBytesPerS: 900 })], [own({ rateBytesPerS: 100 })]],
      { rateBytesPerS: 100 },
    ],
    [
      'a rate below the ceiling stays',
      [near, [own({ rateBytesPerS: 50 })], [own({ rateBytesPerS: 100 })]],
      { rateBytesPerS: 50 },
    ],
    [
      'no limit does not lift the ceiling',
      [near, [own({ rateBytesPerS: null })], [own({ rateBytesPerS: 100 })]],
      { rateBytesPerS: 100 },
    ],
    [
      'TLS of the fleet cannot be lowered',
      [near, [own({ tls: false })], [own({ tls: true })]],
      { tls: true },
    ],
    ['without it, it can', [near, [own({ tls: false })], []], { tls: false }],
  ]
  test.each(table)('%s', (_, [to, rules, ceilings], expected) => {
    expect(hopTo(to, rules, ceilings)).toMatchObject(expected)
  })
})
