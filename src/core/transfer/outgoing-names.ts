import type { OutboundRow } from '../apply/outbound.ts'
import type { Leaders } from '../change/names.ts'

export function hasOtherNames({ entry }: OutboundRow): boolean {
  return entry.state?.hasOtherNames === true
}

/** By index of each leader, the other names of its file. */
export function followersOf(rows: readonly OutboundRow[], leaders: Leaders) {
  const indexes = new Map(rows.map(({ entry }, index) => [entry.seq, index]))
  const followers = new Map<number, (readonly [number, OutboundRow])[]>()
  for (const [index, row] of rows.entries()) {
    const leader = indexes.get(leaders.get(row.entry.seq) ?? -1)
    if (leader === undefined) continue
    const known = followers.get(leader) ?? []
    known.push([index, row])
    followers.set(leader, known)
  }
  return followers
}
