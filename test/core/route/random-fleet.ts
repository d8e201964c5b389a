import type { RoutePlace, RouteRule } from '../../../src/core/route/hop-options.ts'
import type { RelayRequest } from '../../../src/core/route/plan-relays.ts'
import type { RelayTarget } from '../../../src/core/route/streams.ts'
import { random } from '../../fakes/random.ts'

/** A fleet of up to so many folders on servers that stand anywhere, with rules for hops of any kind. */
export function randomRequest(seed: number, foldersMax: number): RelayRequest {
  const pick = random(seed)
  const groupCount = 1 + pick(12)
  const regionCount = 1 + pick(4)
  const place = (serverId: string): RoutePlace => {
    const group = pick(groupCount)
    return { serverId, groupId: `g${group}`, regionId: `r${group % regionCount}` }
  }
  const count = 1 + pick(foldersMax)
  const servers = Array.from({ length: count }, (_, id) => place(`s${pick(1000)}-${id}`))
  const positions = ['nothing', '100', '200', null].slice(pick(2))
  const lacks = new Map(positions.map((position) => [position, [null, 0, 5000, 1 << 30][pick(4)]]))
  const targets = Array.from({ length: count }, (_, id): RelayTarget => {
    // Every fourth is another folder of a server that has one already.
    const at = servers[pick(4) === 0 ? pick(count) : id] ?? place('spare')
    const position = positions[pick(positions.length)] ?? null
    const lacksBytes = lacks.get(position) ?? null
    return { ...at, bindingId: `b${id}`, position, lacksBytes, weight: [0, 50, 100][pick(3)] ?? 1 }
  })
  const ids = ['g0', 'g1', 'r0', 'r1', ...servers.slice(0, 3).map(({ serverId }) => serverId)]
  const rule = (): RouteRule => {
    const pair = { from: ids[pick(ids.length)] ?? 'g0', to: ids[pick(ids.length)] ?? 'g1' }
    const scope = (['group', 'region', 'international', pair] as const)[pick(4)] ?? 'group'
    const rateBytesPerS = [undefined, null, 1000, 50_000][pick(4)]
    return { scope, tls: [undefined, true, false][pick(3)], rateBytesPerS, compression: pick(10) }
  }
  const rules = Array.from({ length: pick(5) }, rule)
  const ceilings = Array.from({ length: pick(5) }, rule)
  return { source: place('source'), targets, rules, ceilings }
}

/** The same in another order. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const pick = random(seed)
  const keyed = items.map((item) => ({ item, key: pick(1 << 30) }))
  return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item)
}
