import { afterAll, afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'

import type {
  AgentMessageOf,
  MasterMessageOf,
  ReportedHold,
} from '../../../src/core/wire/control.ts'
import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import type { Job } from '../../../src/master/model.ts'
import { getConvergence } from '../../../src/master/use-cases/convergence.ts'
import { listJobEntries } from '../../../src/master/use-cases/job-entries.ts'
import { approveJob, cancelJob, getJob, listJobs } from '../../../src/master/use-cases/jobs.ts'
import { codeOf, eventually } from '../../fakes/eventually.ts'
import { otherFolder } from '../../fakes/other-folder.ts'
import { Stage } from '../../fakes/stage.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

// What takes milliseconds takes seconds on a busy machine.
setDefaultTimeout(30_000)

const HOLD: ReportedHold = {
  code: 'FIRST_CONTACT',
  message: '3 files lie there that the source has not put there',
  since: '2026-01-02T03:04:05.000Z',
  fingerprint: 'first',
  from: 1,
  to: 3,
  deletes: 1,
  updates: 2,
  bytes: 30,
  sample: ['file-2', 'file-3', 'other'],
}
const HELD = [2, 3].map((seq) => ({
  seq,
  path: `file-${seq}`,
  code: 'EXTRA_IN_THE_WAY',
  message: 'something else lies there',
  state: 'held' as const,
}))

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.master.stop()
})

afterAll(removeMasterFolders)

type Report = Partial<AgentMessageOf<'targetReport'>>

/** The target has everything but what it holds. */
async function hold(fields: Partial<ReportedHold> = {}): Promise<void> {
  await stage.start()
  const run = await stage.source.job(1)
  stage.target.reportTarget(5, { hold: { ...HOLD, ...fields }, pending: HELD })
  stage.source.reportJob(run, 'done')
}

async function heldJob(): Promise<Job> {
  let held: Job | undefined
  await eventually('the job that asks', async () => {
    held = (await listJobs(stage.master.context, { states: ['held'] })).items[0]
    return held !== undefined
  })
  if (held === undefined) throw new Error('unreachable')
  return held
}

/** What the master takes to the target, which answers and then tells where it stands. */
async function answer(
  outcome: AgentMessageOf<'holdResolved'>['outcome'],
  report: Report,
): Promise<MasterMessageOf<'resolveHold'>> {
  await eventually('the word', () => stage.target.of('resolveHold').length > 0)
  const asked = stage.target.of('resolveHold').at(-1)
  if (asked === undefined) throw new Error('unreachable')
  const { requestId } = asked
  const answered = { type: 'holdResolved', requestId, outcome, position: null } as const
  if (outcome !== 'done') stage.target.reportTarget(5, report)
  stage.target.send({ ...answered, error: null })
  if (outcome === 'done') stage.target.reportTarget(5, report)
  return asked
}

function approve(jobId: string, fingerprint = 'first') {
  return approveJob(stage.master.context, SYSTEM_ACTOR, { jobId, fingerprint })
}

async function entryStates(jobId: string): Promise<string[]> {
  const { items } = await listJobEntries(stage.master.context, { jobId })
  return items.map(({ seq, state }) => `${seq} ${state}`)
}

async function target() {
  return (await getConvergence(stage.master.context, 'name:web')).targets[0]
}

const DUE: Report = { hold: null, pendingCount: 3 }

test('what a target holds becomes a job of its own that asks', async () => {
  await hold()
  const job = await heldJob()
  expect(job).toMatchObject({
    kind: 'initial',
    entries: 3,
    bytes: 30,
    sources: [{ from: 1, to: 3 }],
    targets: [{ serverId: stage.id(1), state: 'held' }],
    hold: {
      code: 'FIRST_CONTACT',
      fingerprint: 'first',
      since: HOLD.since,
      preview: { deletes: 1, updates: 2, bytes: 30, sample: HOLD.sample },
      clearsItself: false,
    },
  })
  expect(await entryStates(job.id)).toEqual(['2 held', '3 held'])
  expect(await target()).toMatchObject({
    state: 'held',
    failedEntries: 0,
    reason: { code: 'FIRST_CONTACT', message: HOLD.message },
  })
})

test('everything else flows meanwhile', async () => {
  await hold()
  const { id } = await heldJob()
  stage.source.reportChanges(5, 6)
  await stage.source.job(2)
  stage.target.reportTarget(6, { hold: HOLD, pending: HELD })
  expect((await heldJob()).id).toBe(id)
})

test('approval goes to the target, and the job ends once all is done there', async () => {
  await hold()
  const { id } = await heldJob()
  const approved = approve(id)
  expect(await answer('done', DUE)).toMatchObject({
    place: { kind: 'binding' },
    fingerprint: 'first',
    decision: 'release',
  })
  expect(await approved).toMatchObject({ hold: null })
  const run = await stage.source.job(2)
  expect([run.jobId.startsWith(id), run.to]).toEqual([true, 5])
  stage.target.reportTarget(5, { pendingCount: 1 })
  expect((await getJob(stage.master.context, id)).state).toBe('running')
  stage.target.reportTarget(5)
  stage.source.reportJob(run, 'done')
  expect((await getJob(stage.master.context, id, 5000)).state).toBe('done')
  await stage.converge()
})

test('no is an answer too: what is kept is counted, and the target has all else', async () => {
  await hold()
  const { id } = await heldJob()
  const cancelled = cancelJob(stage.master.context, SYSTEM_ACTOR, id)
  const notes = { counts: [{ code: 'KEPT', count: 3 }], newest: [] }
  const pending = HELD.map((entry) => ({ ...entry, state: 'kept' as const }))
  expect(await answer('done', { hold: null, notes, pending })).toMatchObject({ decision: 'keep' })
  expect(await cancelled).toMatchObject({ state: 'cancelled', hold: null })
  await stage.converge()
  expect(await target()).toMatchObject({ state: 'converged', notes: [{ code: 'KEPT', count: 3 }] })
  expect(await entryStates(id)).toEqual(['2 kept', '3 kept'])
})

test('an answer to what is not held any more is refused, and what is held now is shown', async () => {
  await hold()
  const { id } = await heldJob()
  expect(await codeOf(approve(id, 'other'))).toBe('HOLD_CHANGED')
  const late = codeOf(approve(id))
  await answer('changed', { hold: { ...HOLD, fingerprint: 'second' }, pending: HELD })
  expect(await late).toBe('HOLD_CHANGED')
  expect(await heldJob()).toMatchObject({ id, hold: { fingerprint: 'second' } })
})

test('a target that cannot be asked leaves all as it is', async () => {
  await hold()
  const { id } = await heldJob()
  stage.target.close()
  await stage.targetGone()
  expect(await codeOf(approve(id))).toBe('PEER_UNREACHABLE')
  expect(await heldJob()).toMatchObject({ id, hold: { fingerprint: 'first' } })
})

test('an answer that was lost on the way back counts all the same', async () => {
  await hold()
  const { id } = await heldJob()
  stage.target.reportTarget(5, DUE)
  const run = await stage.source.job(2)
  expect(run.jobId.startsWith(id)).toBe(true)
  expect((await getJob(stage.master.context, id)).hold).toBeNull()
})

test('what was taken away on the target ends the question', async () => {
  await hold()
  const { id } = await heldJob()
  stage.target.reportTarget(5)
  expect((await getJob(stage.master.context, id, 5000)).state).toBe('done')
  await stage.converge()
})

test('a master that starts again still asks, and takes the answer', async () => {
  await hold()
  const { id } = await heldJob()
  stage.master = await stage.master.restart()
  expect(await heldJob()).toMatchObject({ id, hold: { fingerprint: 'first' } })
  stage.target = await stage.connect(1)
  stage.source = await stage.connect(0)
  stage.source.reportSource(5)
  stage.target.reportTarget(5, { hold: HOLD, pending: HELD })
  const approved = approve(id)
  await answer('done', DUE)
  expect((await approved).hold).toBeNull()
  expect((await stage.source.job(1)).jobId.startsWith(id)).toBe(true)
})

const ROOT = otherFolder(HOLD.since)
const CHANGED: Report = { error: { code: 'ROOT_CHANGED', message: 'm' }, hold: ROOT }

/** The target has everything, and then another folder lies in the place of its root. */
async function rootChanged(): Promise<Job> {
  await stage.start()
  await stage.finish(1, 5)
  await stage.converge()
  stage.target.reportTarget(5, CHANGED)
  return await heldJob()
}

test('another folder in the place of a root is asked about; nothing is sent there meanwhile', async () => {
  const job = await rootChanged()
  expect(job).toMatchObject({ hold: { code: 'ROOT_CHANGED', clearsItself: true } })
  expect(await target()).toMatchObject({ state: 'held', reason: { code: 'ROOT_CHANGED' } })
  stage.source.reportChanges(5, 6)
  const { jobId } = await stage.sync()
  expect((await getJob(stage.master.context, jobId, 5000)).state).toBe('failed')
  expect(stage.source.of('job')).toHaveLength(1)
  const cancelled = cancelJob(stage.master.context, SYSTEM_ACTOR, job.id)
  expect(await codeOf(cancelled)).toBe('ROOT_CHANGED')
  // The known folder is back.
  stage.target.reportTarget(5)
  expect((await getJob(stage.master.context, job.id, 5000)).state).toBe('done')
  expect((await stage.source.job(2)).to).toBe(6)
})

test('a target takes another folder for its root, and has all sent again', async () => {
  const { id } = await rootChanged()
  const approved = approve(id, 'folder-2')
  await eventually('the word', () => stage.target.of('resolveHold').length > 0)
  const [requestId = ''] = stage.target.of('resolveHold').map((asked) => asked.requestId)
  const answered = { type: 'holdResolved', outcome: 'done', position: null, error: null } as const
  stage.target.send({ ...answered, requestId })
  stage.target.reportTarget(null)
  expect(await approved).toMatchObject({ state: 'done', hold: null })
  await stage.finish(2, 5)
  await stage.converge()
})
