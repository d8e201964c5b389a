import { expect, test } from 'bun:test'

import { mattersOf } from '../../../views/pages/attention.tsx'
import type { ConvergenceView, TargetView } from '../../../views/types.ts'

const reason = { code: 'NO_SPACE', message: 'disk full', action: 'Free space.', at: '' }
const note = {
  code: 'OWNER_REFUSED',
  message: 'owners are not set',
  action: 'Run as root.',
  count: 3,
}

function target(serverId: string, state: string, change: Partial<TargetView> = {}): TargetView {
  const numbers = { appliedSeq: 1, backlogEntries: 0, backlogBytes: 0, failedEntries: 0, lagMs: 0 }
  return {
    serverId,
    path: '/',
    state,
    connected: true,
    ...numbers,
    notes: [],
    reason: null,
    ...change,
  }
}

function line(enabled: boolean, targets: readonly TargetView[]) {
  const view = { policyId: 'p', policyName: 'web', targets } as unknown as ConvergenceView
  return { ...view, enabled }
}

test('what needs attention: targets with a reason or with notes, the worst first', () => {
  const targets = [
    target('fine', 'converged'),
    target('lacking', 'converged', { notes: [note] }),
    target('paused', 'waiting', { reason }),
    target('full', 'failed', { reason }),
  ]
  expect(mattersOf([line(true, targets)]).map(({ serverId }) => serverId)).toEqual([
    'full',
    'lacking',
  ])
  expect(mattersOf([line(false, targets)])).toEqual([])
})
