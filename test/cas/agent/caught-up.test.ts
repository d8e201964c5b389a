import { describe, expect, test } from 'bun:test'

import { whyNotCaughtUp } from '../../../src/cas/agent/caught-up.ts'
import type { AgentStatus } from '../../../src/cas/agent/status.ts'

const TIME = '2026-01-01T00:00:00.000Z'
const SOURCE: AgentStatus['sources'][number] = {
  policyId: 'p',
  sourceId: 's',
  path: '/srv/web',
  epoch: 'e',
  headSeq: 7,
  recordedSeq: 7,
  completeAt: TIME,
  gapCount: 0,
  gaps: [],
  fileCount: 1,
  totalBytes: 1,
  hold: null,
  error: null,
}
const TARGET: AgentStatus['targets'][number] = {
  policyId: 'p',
  bindingId: 'b',
  path: '/srv/copy',
  epoch: 'e',
  appliedSeq: 7,
  pendingCount: 0,
  notes: [],
  hold: null,
  error: null,
}

function status(changes: Partial<AgentStatus>): AgentStatus {
  return {
    pid: 1,
    version: '0',
    serverId: 's',
    name: 'n',
    at: TIME,
    connection: { state: 'connected', master: 'm', since: TIME, error: null },
    roles: [],
    configRevision: 1,
    lease: { until: TIME, holds: true },
    syncServer: null,
    runningJobs: [],
    sources: [SOURCE],
    targets: [TARGET],
    ...changes,
  }
}

const error = { code: 'IO_ERROR', message: 'the disk is broken' }
const away = { state: 'connecting', master: null, since: null, error: null } as const

describe('a policy is settled', () => {
  const rows: readonly (readonly [
    what: string,
    changes: Partial<AgentStatus>,
    why: string | null,
  ])[] = [
    ['when all is recorded and applied', {}, null],
    ['with a source alone', { targets: [] }, null],
    [
      'with a target alone, whatever else this host sends',
      { sources: [], runningJobs: ['j'] },
      null,
    ],
    ['not without a master', { connection: away }, 'not connected to the master'],
    [
      'not where it has nothing',
      { sources: [], targets: [] },
      'policy "p" has nothing on this host',
    ],
    [
      'not where only another policy is',
      { sources: [{ ...SOURCE, policyId: 'q' }], targets: [] },
      'policy "p" has nothing on this host',
    ],
    [
      'not before the first scan',
      { sources: [{ ...SOURCE, completeAt: null }] },
      'source "/srv/web": the first scan is not finished',
    ],
    [
      'not with gaps',
      { sources: [{ ...SOURCE, gapCount: 2 }] },
      'source "/srv/web": 2 parts are to be scanned again',
    ],
    [
      'not with an unreadable source',
      { sources: [{ ...SOURCE, error }] },
      'source "/srv/web": the disk is broken',
    ],
    [
      'not while something is held',
      { sources: [{ ...SOURCE, hold: { code: 'MAX_DELETE', message: '9 files are gone' } }] },
      'source "/srv/web": 9 files are gone',
    ],
    [
      'not while a target holds something',
      { targets: [{ ...TARGET, hold: { code: 'FIRST_CONTACT', message: '9 files lie there' } }] },
      'target "/srv/copy": 9 files lie there',
    ],
    [
      'not before it is recorded',
      { sources: [{ ...SOURCE, recordedSeq: 3 }] },
      'source "/srv/web": the master has recorded 3 of 7',
    ],
    [
      'not before anything arrived',
      { targets: [{ ...TARGET, appliedSeq: null }] },
      'target "/srv/copy": nothing has arrived yet',
    ],
    [
      'not with entries pending',
      { targets: [{ ...TARGET, pendingCount: 1 }] },
      'target "/srv/copy": 1 entries could not be applied yet',
    ],
    [
      'not with a broken target',
      { targets: [{ ...TARGET, error }] },
      'target "/srv/copy": the disk is broken',
    ],
    ['not while it is being sent', { runningJobs: ['j'] }, 'a job runs'],
  ]
  test.each(rows)('%s', (_what, changes, why) => {
    expect(whyNotCaughtUp(status(changes), 'p')).toBe(why)
  })
})
