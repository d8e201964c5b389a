import type { RoutePlace } from './hop-options.ts'

export interface RelayTarget extends RoutePlace {
  readonly bindingId: string
  /** What it holds: only targets at the same place can share a stream. Null where nothing is to be shared with it. */
  readonly position: string | null
  /** Why nothing is shared with it, for people; absent where something may be. */
  readonly alone?: string
  /** What it lacks, as far as that is known; null where it is not. Those at the same position lack the same. */
  readonly lacksBytes: number | null
  /** Whoever has the higher one passes more on. */
  readonly weight: number
}

/** The targets that share a stream. No server passes on to itself: its second folder is part of another one. */
export function streams(targets: readonly RelayTarget[]): (readonly RelayTarget[])[] {
  const folders = new Map<string, number>()
  const keys = new Map<RelayTarget, string>()
  for (const target of targets) {
    const nth = folders.get(target.serverId) ?? 0
    folders.set(target.serverId, nth + 1)
    if (target.position !== null) keys.set(target, `${target.position} ${nth}`)
  }
  return [...Map.groupBy(targets, (target) => keys.get(target) ?? target).values()]
}
