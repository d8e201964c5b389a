import type { RoutePlace } from '../../src/core/route/hop-options.ts'
import { planManual } from '../../src/core/route/manual-route.ts'
import { type RelayRequest, planRelays } from '../../src/core/route/plan-relays.ts'
import type { RelayTarget } from '../../src/core/route/streams.ts'
import { seededRandom } from '../fleet/random-tree.ts'
import { median } from './lib/report.ts'

// How long the planner thinks about a fleet, with rules for hops and servers that hold different things.

const SERVERS = 1000
const GROUPS = 40
const REGIONS = 8
const ROUNDS = 50
const AT_MOST_MS = 50
const CHAIN = 8

function requestOf(lacksBytes: number | null): RelayRequest {
  const random = seededRandom(1)
  const place = (serverId: string): RoutePlace => {
    const group = Math.floor(random() * GROUPS)
    return { serverId, groupId: `group-${group}`, regionId: `region-${group % REGIONS}` }
  }
  const targets = Array.from({ length: SERVERS }, (_, id): RelayTarget => {
    const position = ['nothing', '4711', null][Math.floor(random() * 2.05)] ?? null
    const names = { ...place(`server-${id}`), bindingId: `binding-${id}` }
    return { ...names, position, lacksBytes, weight: Math.floor(random() * 100) }
  })
  const pairs = Array.from({ length: REGIONS }, (_, id) => ({
    scope: { from: 'region-0', to: `region-${id}` },
    rateBytesPerS: 1e6 * (id + 1),
  }))
  const ceilings = [{ scope: 'international', tls: true } as const, ...pairs]
  return { source: place('source'), targets, rules: [{ scope: 'group', compression: 2 }], ceilings }
}

function measure(plan: () => unknown): number {
  plan()
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now()
    plan()
    return performance.now() - startedAt
  })
  return median(times)
}

const large = requestOf(1 << 30)
const small = requestOf(1000)
const servers = large.targets.map(({ serverId }) => serverId)
const chains = Array.from({ length: SERVERS / CHAIN }, (_, index) =>
  servers.slice(index * CHAIN, (index + 1) * CHAIN),
)
const cases: readonly (readonly [string, () => unknown])[] = [
  ['automatic, large content', () => planRelays(large)],
  ['automatic, small changes', () => planRelays(small)],
  ['by chains', () => planManual(large, chains)],
]
let isHeld = true
for (const [name, plan] of cases) {
  const timeMs = measure(plan)
  isHeld &&= timeMs <= AT_MOST_MS
  const verdict = timeMs <= AT_MOST_MS ? 'held  ' : 'MISSED'
  console.log(
    `${verdict} ${SERVERS} servers, ${name}: ${timeMs.toFixed(1)} ms (at most ${AT_MOST_MS})`,
  )
}
process.exit(isHeld ? 0 : 1)
