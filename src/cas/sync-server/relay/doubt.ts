import type { Failure } from '../../../core/base/result.ts'

/** A parent's host that says nothing for so long, though it is asked every second, may be out of reach. */
const PARENT_SILENT_MS = 1250
/** So long a server that may be the one that is cut off says nothing against others. */
const DOUBT_MAX_MS = 2000

/** A child that was lost while the parent was silent too. */
export interface Doubt {
  readonly reason: Failure
  readonly sinceMs: number
}

/**
 * Tells whether a server cannot know who is cut off when it loses a child: itself, or the child. `unheardMs` is for how long
 * its parent's host has said nothing, null where nobody can tell.
 */
export function isInDoubt({ code }: Failure, unheardMs: number | null): boolean {
  return code === 'PEER_UNREACHABLE' && unheardMs !== null && unheardMs >= PARENT_SILENT_MS
}

/** Tells whether the doubt has ended: the parent has spoken since, or it took too long. */
export function isSettled(
  { reason, sinceMs }: Doubt,
  now: { readonly nowMs: number; readonly unheardMs: number | null },
): boolean {
  // A clock that was set must not keep a child.
  const passedMs = Math.abs(now.nowMs - sinceMs)
  return passedMs >= DOUBT_MAX_MS || !isInDoubt(reason, now.unheardMs)
}
