import { NOTICES } from '../../core/apply/notes.ts'
import { ERRORS } from '../../core/base/errors.ts'
import type { ReportedHold } from '../../core/wire/control.ts'
import { iso } from '../../platform/clock.ts'
import type { EntryNote, ErrorReason, TargetNote } from '../model.ts'

/** What a job asks a person about, as it is stored. */
export interface AskedHold extends ReportedHold {
  /** The binding that holds it; absent where the job's source does. */
  readonly bindingId?: string
}

/** Why something is as it is, as an agent tells it. The code may come from a newer agent. */
export interface Reason {
  readonly code: string
  readonly message: string
}

/** A reason with the time it appeared, as it is stored. */
export interface DatedReason extends Reason {
  readonly atMs: number
  readonly retryAtMs?: number
}

/** How many entries of a target lack something, as its agent tells it. The code may come from a newer agent. */
export interface NoteCount {
  readonly code: string
  readonly count: number
}

/** Gives counts as the contract shows them, with what they mean and what the reader can do. */
export function toTargetNotes(counts: readonly NoteCount[]): TargetNote[] {
  return counts.map(({ code, count }) => ({ ...toEntryNote(code), count }))
}

/** Gives what one entry lacks as the contract shows it. */
export function toEntryNote(code: string): EntryNote {
  const notices: Readonly<Record<string, string>> = NOTICES
  return { code, message: notices[code] ?? code, action: actionOf(code) }
}

/** Gives a stored reason as the contract shows it, with what the reader can do; null stays null. */
export function toErrorReason(reason: DatedReason | null): ErrorReason | null {
  if (reason === null) return null
  return {
    code: reason.code,
    message: reason.message,
    action: actionOf(reason.code),
    at: iso(reason.atMs),
    ...(reason.retryAtMs === undefined ? {} : { retryAt: iso(reason.retryAtMs) }),
  }
}

/** Gives a time in milliseconds since 1970 as ISO 8601, where there may be no time. */
export function isoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : iso(timeMs)
}

function actionOf(code: string): string {
  const descriptions: Readonly<Record<string, { readonly action: string }>> = ERRORS
  return descriptions[code]?.action ?? ERRORS.INTERNAL.action
}
