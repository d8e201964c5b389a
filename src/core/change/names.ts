import type { Entry } from './entry.ts'

/**
 * Which entries of one set name the same version of one file: by the seq of each but the leader, the leader's. Under that
 * one the content travels, once. Both sides find the same, because nothing but the entries decides.
 */
export type Leaders = ReadonlyMap<number, number>

export const NO_LEADERS: Leaders = new Map()

/** Finds them. The leader is the first that is no new path, since an older version of it may lie at the target. */
export function findLeaders(entries: readonly Entry[]): Leaders {
  if (!entries.some(({ state }) => state?.hasOtherNames === true)) return NO_LEADERS
  const leaders = new Map<number, number>()
  for (const named of Map.groupBy(entries, versionKey).values()) {
    const [first] = named
    if (named.length === 1 || first?.state?.fileKey === undefined) continue
    const leader = named.find(({ operation, from }) => operation !== 'create' || from !== null)
    for (const { seq } of named)
      if (seq !== (leader ?? first).seq) leaders.set(seq, (leader ?? first).seq)
  }
  return leaders
}

/** The same for all names of one version; for what is no file, or has but one name, its own. */
function versionKey({ seq, state }: Entry): string {
  if (state?.fileKey === undefined) return `${seq}`
  return `${state.fileKey} ${state.size} ${state.mtimeNs} ${state.hash}`
}
