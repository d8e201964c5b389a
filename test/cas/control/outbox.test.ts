import { expect, test } from 'bun:test'

import { createOutbox, type Outbox } from '../../../src/cas/control/outbox.ts'
import type { AgentMessage, AgentMessageOf } from '../../../src/core/wire/control.ts'

function target(bindingId: string, pendingCount: number): AgentMessage {
  return {
    type: 'targetReport',
    policyId: 'p',
    bindingId,
    watermark: null,
    pendingCount,
    pending: [],
    error: null,
  }
}

function job(jobId: string, state: AgentMessageOf<'jobReport'>['state']): AgentMessage {
  return {
    type: 'jobReport',
    jobId,
    bindingId: 'b',
    serverId: 's',
    state,
    via: 'v',
    attempts: 1,
    bytesOnWire: 0,
    entriesApplied: 0,
    entriesFailed: 0,
    error: null,
  }
}

function page(from: number): AgentMessage {
  return {
    type: 'changes',
    policyId: 'p',
    sourceId: 's',
    epoch: 'e',
    from,
    upTo: from + 1,
    records: [],
  }
}

function drain(outbox: Outbox): AgentMessage[] {
  const messages: AgentMessage[] = []
  for (let next = outbox.next(); next !== null; next = outbox.next()) messages.push(next)
  return messages
}

test('messages leave in their order', () => {
  const outbox = createOutbox()
  const messages = [page(0), target('b', 1), page(1)]
  for (const message of messages) outbox.put(message)
  expect(drain(outbox)).toEqual(messages)
})

test('of reports on one subject only the newest is said, in the place of the first', () => {
  const outbox = createOutbox()
  for (const message of [target('b', 1), page(0), target('b', 2)]) outbox.put(message)
  expect(drain(outbox)).toEqual([target('b', 2), page(0)])
})

test('a new connection hears every report and no page', () => {
  const outbox = createOutbox()
  for (const message of [target('b', 1), page(0), job('j', 'done')]) outbox.put(message)
  drain(outbox)
  outbox.put(page(1))
  outbox.restart()
  expect(drain(outbox)).toEqual([target('b', 1), job('j', 'done')])
})

test('the line is bounded, reports are not refused', () => {
  const outbox = createOutbox()
  let taken = 0
  while (outbox.put(page(taken))) taken++
  expect(taken).toBe(256)
  expect(outbox.put(target('b', 1))).toBe(true)
  expect(drain(outbox)).toHaveLength(257)
  expect(outbox.put(page(0))).toBe(true)
})

test('reports on jobs are kept up to a bound, the oldest go first', () => {
  const outbox = createOutbox()
  outbox.put(target('b', 1))
  for (let index = 0; index < 1500; index++) {
    outbox.put(job(`${index}`, 'running'))
    outbox.put(job(`${index}`, 'done'))
  }
  const reports = outbox.reports()
  expect(reports).toHaveLength(1001)
  expect(reports[0]).toEqual(target('b', 1))
  expect(reports[1]).toEqual(job('500', 'done'))
})

test('what the configuration no longer has is forgotten', () => {
  const outbox = createOutbox()
  for (const message of [target('b', 1), target('c', 1), job('j', 'done')]) outbox.put(message)
  outbox.retain({ sourceIds: new Set(), bindingIds: new Set(['c']) })
  expect(drain(outbox)).toEqual([target('c', 1), job('j', 'done')])
})
