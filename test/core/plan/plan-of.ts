import { plan } from '../../../src/core/plan/planner.ts'
import type { PlanSource, PlanState, PlanTarget } from '../../../src/core/plan/state.ts'

export const NOW_MS = 1_000_000
export const EPOCH = 'epoch-1'

export const source: PlanSource = {
  sourceId: 's',
  connected: true,
  epoch: EPOCH,
  headSeq: 10,
  scanned: true,
  place: { serverId: 'server-s', groupId: 'g1', regionId: 'r1' },
  dialsOut: false,
}
export const target: PlanTarget = {
  bindingId: 'b',
  sourceId: 's',
  place: { serverId: 'server-b', groupId: 'g2', regionId: 'r1' },
  canServe: true,
  weight: 100,
  dialsOut: false,
  recoverAtMs: null,
  lostWays: [],
  waitUntilMs: null,
  connected: true,
  reported: true,
  awaitedSinceMs: 0,
  drained: false,
  watermark: { epoch: EPOCH, seq: 10 },
  pendingCount: 0,
  runningJobId: null,
  failures: 0,
  wasAway: false,
  waivedSeq: null,
  lastTry: null,
  hold: null,
}
export const at = (seq: number) => ({ watermark: { epoch: EPOCH, seq } })

export interface Case {
  readonly source?: Partial<PlanSource>
  readonly target?: Partial<PlanTarget>
  readonly policy?: Partial<PlanState['policy']>
  readonly state?: Partial<PlanState>
}

export function planOf(of: Case) {
  return plan({
    nowMs: NOW_MS,
    licensed: true,
    policy: { enabled: true, mode: 'realtime', recovery: 'immediate', ...of.policy },
    sources: [{ ...source, ...of.source }],
    targets: [{ ...target, ...of.target }],
    goals: [],
    ...of.state,
  })
}
