import type { JobRuntime, JobTargetRuntime } from './runtime.ts'

/** Whoever will hold all of it so soon is waited for, rather than that it is sent over the same links once more. */
const SOON_MS = 1000
/** What is told of a run may promise too much. */
const WAIT_MAX_MS = 2000

/** How far a run has come with one target, as its sender or a relay told last. */
export interface RunProgress {
  readonly startedAtMs: number
  /** What the target lacked then; null where nobody knows. */
  readonly lacksBytes: number | null
  readonly bytes: number
  readonly atMs: number
}

/** Who is waited for, in which run, and until when at the latest. */
export interface Awaited {
  readonly bindingId: string
  readonly runId: string
  readonly untilMs: number
}

/** Gives whom to wait for where a target of a run is about to hold all of it; null where it is not. */
export function awaited(target: JobTargetRuntime, nowMs: number): Awaited | null {
  const { bindingId, runId, progress, state } = target
  if (state !== 'running' || runId === null || progress === null) return null
  if (endsAtMs(progress) > nowMs + SOON_MS) return null
  return { bindingId, runId, untilMs: nowMs + WAIT_MAX_MS }
}

/** If it goes on as it did until now. Content that is compressed on the way ends sooner than this says. */
function endsAtMs({ startedAtMs, lacksBytes, bytes, atMs }: RunProgress): number {
  if (lacksBytes === null || bytes === 0) return Infinity
  return startedAtMs + ((atMs - startedAtMs) * lacksBytes) / bytes
}

/** Until when a target waits for another one that is about to hold what it lacks; null where it does not wait. */
export function waitsUntilMs(
  job: JobRuntime,
  { state, awaits }: JobTargetRuntime,
  nowMs: number,
): number | null {
  if (state !== 'queued' || awaits === null) return null
  const other = job.targets.get(awaits.bindingId)
  const isUnderWay = other?.state === 'running' && other.runId === awaits.runId
  // A clock that was set back must keep nobody waiting.
  const leftMs = awaits.untilMs - nowMs
  return isUnderWay && leftMs > 0 && leftMs <= WAIT_MAX_MS ? awaits.untilMs : null
}
