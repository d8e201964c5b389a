import { describe, expect, test } from 'bun:test'

import { type RunProgress, awaited, waitsUntilMs } from '../../../src/master/jobs/nearly-there.ts'
import {
  DIRECTLY,
  type JobRuntime,
  type JobTargetRuntime,
} from '../../../src/master/jobs/runtime.ts'

const NOW_MS = 1_000_000
const LACKS_BYTES = 1000

function targetOf(fields: Partial<JobTargetRuntime>): JobTargetRuntime {
  const of = { bindingId: 'above', sourceId: 'source', serverId: 'server' }
  const run = { state: 'running', runId: 'run', way: DIRECTLY, endedAs: null } as const
  const times = { heardAtMs: 0, reachedAtMs: null, cutOffs: 0, progress: null, awaits: null }
  return { ...of, ...run, ...times, ...fields }
}

function jobOf(...targets: JobTargetRuntime[]): JobRuntime {
  const of = { jobId: 'job', policyId: 'policy', kind: 'realtime', hold: null } as const
  const byBinding = new Map(targets.map((target) => [target.bindingId, target]))
  return { ...of, to: new Map(), targets: byBinding, isResolving: false }
}

/** Has run for 4 s; so much of 1,000 bytes had come half a second ago. */
function progressOf(bytes: number): RunProgress {
  return { startedAtMs: NOW_MS - 4000, atMs: NOW_MS - 500, lacksBytes: LACKS_BYTES, bytes }
}

describe('whether one that is under way is waited for', () => {
  const nothing = targetOf({})
  test.each([
    ['it has nearly all', { ...nothing, progress: progressOf(900) }, true],
    // 3,500 ms for 700 bytes: 1,000 bytes in 5 s, one from now.
    ['it will have all in a second', { ...nothing, progress: progressOf(700) }, true],
    ['it has half', { ...nothing, progress: progressOf(500) }, false],
    ['it has nothing', { ...nothing, progress: progressOf(0) }, false],
    ['more came than it lacked', { ...nothing, progress: progressOf(2000) }, true],
    [
      'nobody knows what it lacks',
      { ...nothing, progress: { ...progressOf(900), lacksBytes: null } },
      false,
    ],
    ['nothing is known of it', nothing, false],
    ['it does not run', { ...nothing, state: 'done' as const, progress: progressOf(900) }, false],
  ])('%s', (_what, target, isAwaited) => {
    expect(awaited(target, NOW_MS) !== null).toBe(isAwaited)
  })
})

interface Moment {
  readonly afterMs: number
  readonly other?: Partial<JobTargetRuntime>
  readonly untilMs?: number
}

describe('until when', () => {
  const above = targetOf({ progress: progressOf(900) })
  const awaits = awaited(above, NOW_MS)
  const waiting = targetOf({ bindingId: 'below', state: 'queued', runId: null, awaits })
  test.each<[string, Moment]>([
    ['it is under way', { afterMs: 100, untilMs: NOW_MS + 2000 }],
    ['it has ended', { afterMs: 100, other: { state: 'done' } }],
    ['it failed and is sent to again', { afterMs: 100, other: { runId: 'another' } }],
    ['it took too long', { afterMs: 2000 }],
    ['the clock was set back', { afterMs: -60_000 }],
  ])('%s', (_what, { afterMs, other = {}, untilMs = null }) => {
    const job = jobOf({ ...above, ...other }, waiting)
    expect(waitsUntilMs(job, waiting, NOW_MS + afterMs)).toBe(untilMs)
  })

  test('whoever runs again waits for nobody', () => {
    const running = { ...waiting, state: 'running' as const }
    expect(waitsUntilMs(jobOf(above, running), running, NOW_MS)).toBeNull()
  })
})
