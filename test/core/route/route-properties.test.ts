import { describe, expect, test } from 'bun:test'

import {
  type RoutePlace,
  type RouteRule,
  scopeBetween,
} from '../../../src/core/route/hop-options.ts'
import { type Chain, chainsProblem, planManual } from '../../../src/core/route/manual-route.ts'
import { DEPTH_MAX, type RelayRequest, planRelays } from '../../../src/core/route/plan-relays.ts'
import { type RelayTarget, streams } from '../../../src/core/route/streams.ts'
import type { DistributionTree, RouteNode } from '../../../src/core/route/tree.ts'
import { random } from '../../fakes/random.ts'
import { randomRequest, shuffled } from './random-fleet.ts'

// What must hold of every route, whatever the fleet, its rules and what its servers hold.

const ROUNDS = 400
const FOLDERS_MAX = 90
/** As much as one branch carries, and as is sent directly within the source's own region. */
const BRANCH_MAX = 256
const DIRECT_MAX = 16
const LARGE_BYTES = 8 << 20

interface Hop {
  readonly node: RouteNode
  readonly from: RoutePlace
  readonly to: RoutePlace
  /** Servers from the source's side, the one that sends last. */
  readonly above: readonly string[]
}

function hopsOf({ source, targets }: RelayRequest, tree: DistributionTree): Hop[] {
  const places = new Map(targets.map((target) => [target.bindingId, target]))
  const walk = (nodes: readonly RouteNode[], from: RoutePlace, above: readonly string[]): Hop[] =>
    nodes.flatMap((node) => {
      const to = places.get(node.bindingId)
      if (to === undefined) throw new Error(`${node.bindingId} is no target`)
      const below = walk(node.children, to, [...above, to.serverId])
      return [{ node, from, to, above }, ...below]
    })
  return walk(tree.children, source, [source.serverId])
}

/** Says whether a rule is about a hop, without the product's own words. */
function isAbout({ scope }: RouteRule, { from, to }: Hop): boolean {
  if (typeof scope === 'string') return scope === scopeBetween(from, to)
  const names = (place: RoutePlace) => [place.serverId, place.groupId, place.regionId]
  return names(from).includes(scope.from) && names(to).includes(scope.to)
}

function expectKept({ ceilings }: RelayRequest, hop: Hop): void {
  const { tls, rateBytesPerS } = hop.node.hop
  for (const ceiling of ceilings.filter((one) => isAbout(one, hop))) {
    if (ceiling.tls === true) expect(tls).toBe(true)
    if (typeof ceiling.rateBytesPerS === 'number')
      expect(rateBytesPerS ?? Infinity).toBeLessThanOrEqual(ceiling.rateBytesPerS)
  }
}

/** What holds of automatic routes and of those by chains. */
function expectSound(request: RelayRequest, tree: DistributionTree): Hop[] {
  const hops = hopsOf(request, tree)
  const reached = hops.map(({ node }) => node.bindingId)
  expect(reached.toSorted()).toEqual(request.targets.map((t) => t.bindingId).toSorted())
  const positions = new Map(request.targets.map((t) => [t.bindingId, t.position]))
  for (const hop of hops) {
    expect(hop.above).not.toContain(hop.node.serverId)
    expect(hop.node.hop.scope).toBe(scopeBetween(hop.from, hop.to))
    expectKept(request, hop)
    const position = positions.get(hop.node.bindingId) ?? null
    for (const child of hop.node.children) {
      expect(position).not.toBeNull()
      expect(positions.get(child.bindingId)).toBe(position)
    }
  }
  return hops
}

/** As the planner takes them: which folder of a server is in which stream follows from it. */
function inOrder(targets: readonly RelayTarget[]): RelayTarget[] {
  const later = (one: RelayTarget, other: RelayTarget) => (one.bindingId < other.bindingId ? -1 : 1)
  return targets.toSorted((one, other) => other.weight - one.weight || later(one, other))
}

/** Regions and groups are entered once by each stream. */
function expectFewCrossings(request: RelayRequest, hops: readonly Hop[]): void {
  const byBinding = new Map(hops.map((hop) => [hop.node.bindingId, hop]))
  const { source } = request
  for (const stream of streams(inOrder(request.targets))) {
    const own = stream.flatMap((target) => byBinding.get(target.bindingId) ?? [])
    const lacks = stream[0]?.lacksBytes ?? null
    const near = own.filter(({ to }) => to.regionId === source.regionId)
    const isDirect = lacks !== null && lacks < LARGE_BYTES && near.length <= DIRECT_MAX
    const into = (key: 'regionId' | 'groupId', counted: readonly Hop[]) =>
      Map.groupBy(
        counted.filter(({ from, to }) => from[key] !== to[key]),
        ({ to }) => to[key],
      )
    for (const entries of into('regionId', own).values()) expect(entries).toHaveLength(1)
    const routed = isDirect ? own.filter((hop) => !near.includes(hop)) : own
    for (const entries of into('groupId', routed).values()) expect(entries).toHaveLength(1)
    const ownGroup = own.filter(({ to }) => to.groupId === source.groupId)
    for (const { from } of ownGroup) expect(from.groupId).toBe(source.groupId)
  }
}

function expectAutomatic(request: RelayRequest): void {
  const tree = planRelays(request)
  const hops = expectSound(request, tree)
  expectFewCrossings(request, hops)
  for (const { above } of hops) expect(above.length).toBeLessThanOrEqual(DEPTH_MAX)
}

/** Chains that a person could give: no server follows on two different ones. */
function randomChains({ targets }: RelayRequest, seed: number): Chain[] {
  const pick = random(seed)
  const servers = shuffled([...new Set(targets.map(({ serverId }) => serverId))], seed)
  const chains: string[][] = []
  for (const server of servers) {
    if (pick(4) === 0) continue
    const before = chains[pick(chains.length + 3)]
    if (before === undefined) chains.push([server])
    // Goes on at the end of a chain, or off from its middle.
    else if (pick(2) === 0) before.push(server)
    else chains.push([...before.slice(0, 1 + pick(before.length)), server])
  }
  return chains
}

const seeds = Array.from({ length: ROUNDS }, (_, index) => index + 1)

describe('an automatic route', () => {
  test('reaches every target once, without a cycle or a hop against a rule, and crosses each border once', () => {
    for (const seed of seeds) expectAutomatic(randomRequest(seed, FOLDERS_MAX))
  })

  test('is the same whatever the order of targets', () => {
    for (const seed of seeds) {
      const request = randomRequest(seed, FOLDERS_MAX)
      const other = { ...request, targets: shuffled(request.targets, seed) }
      expect(planRelays(other)).toEqual(planRelays(request))
    }
  })

  test('reaches all others where any server is gone', () => {
    for (const seed of seeds.slice(0, 60)) {
      const request = randomRequest(seed, 30)
      for (const gone of new Set(request.targets.map(({ serverId }) => serverId))) {
        const targets = request.targets.filter(({ serverId }) => serverId !== gone)
        expectAutomatic({ ...request, targets })
      }
    }
  })

  test('enters a region as often as the bound of a branch asks for, and reaches all of a large one', () => {
    const request = randomRequest(3, 1)
    const targets = Array.from({ length: 1000 }, (_, id) => {
      const names = { serverId: `s${id}`, bindingId: `b${id}`, groupId: `g${id % 7}` }
      return { ...names, regionId: 'away', position: 'p', lacksBytes: null, weight: 100 }
    })
    const large = { ...request, targets }
    const hops = expectSound(large, planRelays(large))
    const entries = hops.filter(({ above }) => above.length === 1)
    expect(entries).toHaveLength(Math.ceil(targets.length / BRANCH_MAX))
    for (const { above } of hops) expect(above.length).toBeLessThanOrEqual(DEPTH_MAX)
  })
})

describe('a route by chains', () => {
  test('reaches every target once, without a cycle or a hop against a rule', () => {
    for (const seed of seeds) {
      const request = randomRequest(seed, FOLDERS_MAX)
      const chains = randomChains(request, seed)
      expect(chainsProblem(chains)).toBeNull()
      expectSound(request, planManual(request, chains))
    }
  })

  test('reaches all others where any server is gone', () => {
    for (const seed of seeds.slice(0, 60)) {
      const request = randomRequest(seed, 30)
      const chains = randomChains(request, seed)
      for (const gone of new Set(request.targets.map(({ serverId }) => serverId))) {
        const targets = request.targets.filter(({ serverId }) => serverId !== gone)
        const left = { ...request, targets }
        expectSound(left, planManual(left, chains))
      }
    }
  })
})
