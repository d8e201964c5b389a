import { expect, test } from 'bun:test'

import { type TargetFacts, judgeTarget } from '../../../src/master/convergence/target-state.ts'

const source: TargetFacts['source'] = {
  connected: true,
  epoch: 'e',
  headSeq: 10,
  scanned: true,
  gapCount: 0,
  error: null,
  hold: null,
}
const target: TargetFacts['target'] = {
  connected: true,
  drained: false,
  epoch: 'e',
  appliedSeq: 10,
  pendingCount: 0,
  wasAway: false,
  recoversAt: null,
  error: null,
  lastError: null,
  firstPending: null,
  hold: null,
}
const policy = { enabled: true, mode: 'realtime', recovery: 'immediate' } as const
const reason = (code: string) => ({ code, message: 'm' })

interface Case {
  readonly policy?: Partial<Pick<TargetFacts, 'enabled' | 'mode' | 'recovery'>>
  readonly source?: Partial<TargetFacts['source']>
  readonly target?: Partial<TargetFacts['target']>
}
const table: readonly (readonly [string, Case, string, string | null])[] = [
  ['all is there', {}, 'converged', null],
  ['all is there while the target is away', { target: { connected: false } }, 'converged', null],
  ['all is there while paused', { policy: { enabled: false } }, 'converged', null],
  [
    'the source is away: who knows',
    { source: { connected: false } },
    'unknown',
    'SOURCE_UNAVAILABLE',
  ],
  ['the source has an open gap', { source: { gapCount: 1 } }, 'unknown', 'SOURCE_UNAVAILABLE'],
  ['the source is scanned', { source: { scanned: false } }, 'unknown', 'SOURCE_UNAVAILABLE'],
  [
    'the source has an error',
    { source: { error: reason('ROOT_MISSING') } },
    'unknown',
    'ROOT_MISSING',
  ],
  ['the source never reported', { source: { epoch: null } }, 'unknown', 'SOURCE_UNAVAILABLE'],
  ['behind', { target: { appliedSeq: 9 } }, 'behind', null],
  ['of another epoch', { target: { epoch: 'old', appliedSeq: 99 } }, 'behind', null],
  ['never reported', { target: { epoch: null, appliedSeq: 0 } }, 'behind', null],
  [
    'behind and away',
    { target: { appliedSeq: 9, connected: false } },
    'behind',
    'PEER_UNREACHABLE',
  ],
  [
    'behind a source that is away',
    { target: { appliedSeq: 9 }, source: { connected: false } },
    'behind',
    'SOURCE_UNAVAILABLE',
  ],
  [
    'the last job failed',
    { target: { appliedSeq: 9, lastError: reason('NO_SPACE') } },
    'failed',
    'NO_SPACE',
  ],
  [
    'the last job was held',
    { target: { appliedSeq: 9, lastError: reason('FIRST_CONTACT') } },
    'held',
    'FIRST_CONTACT',
  ],
  [
    'failed once, but all is there now',
    { target: { lastError: reason('NO_SPACE') } },
    'converged',
    null,
  ],
  [
    'something could not be applied',
    { target: { pendingCount: 2, firstPending: reason('NO_SPACE') } },
    'failed',
    'NO_SPACE',
  ],
  ['pending without its reason', { target: { pendingCount: 2 } }, 'failed', 'IO_ERROR'],
  [
    'the target waits for a word',
    { target: { appliedSeq: 0, error: reason('FIRST_CONTACT') } },
    'held',
    'FIRST_CONTACT',
  ],
  ['the source waits for a word', { source: { hold: reason('MAX_DELETE') } }, 'held', 'MAX_DELETE'],
  [
    'the source waits for a word, and the target failed',
    { source: { hold: reason('MAX_DELETE') }, target: { error: reason('NO_SPACE') } },
    'failed',
    'NO_SPACE',
  ],
  [
    'the target has an error',
    { target: { error: reason('ROOT_MISSING') } },
    'failed',
    'ROOT_MISSING',
  ],
  [
    'behind while paused',
    { target: { appliedSeq: 9 }, policy: { enabled: false } },
    'waiting',
    'WAITING',
  ],
  ['behind while drained', { target: { appliedSeq: 9, drained: true } }, 'waiting', 'WAITING'],
  [
    'behind in mode manual',
    { target: { appliedSeq: 9 }, policy: { mode: 'manual' } },
    'waiting',
    'WAITING',
  ],
  [
    'recovery waits for a person',
    { target: { appliedSeq: 9, wasAway: true }, policy: { recovery: 'manual' } },
    'waiting',
    'WAITING',
  ],
  [
    'recovery waits for its time',
    {
      target: { appliedSeq: 9, wasAway: true, recoversAt: '2027-01-01T03:00:00.000Z' },
      policy: { recovery: 'reserved' },
    },
    'waiting',
    'WAITING',
  ],
]

test.each(table)('%s', (_, of, ...expected) => {
  const judged = judgeTarget({
    ...policy,
    ...of.policy,
    source: { ...source, ...of.source },
    target: { ...target, ...of.target },
  })
  expect([judged.state, judged.reason?.code ?? null]).toEqual(expected as never)
})
