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
  code: 'MAX_DELETE',
  message: '3 files are gone or empty at the source, which is more than 2 files within 60 s',
  since: '2026-01-02T03:04:05.000Z',
  fingerprint: 'first',
  from: 5,
  to: 8,
  deletes: 2,
  updates: 1,
  bytes: 30,
  sample: ['file-1', 'file-2', 'file-3'],
}

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.master.stop()
})

afterAll(removeMasterFolders)

/** Three files are held, and the target has passed them. */
async function hold(fields: Partial<ReportedHold> = {}): Promise<void> {
  await stage.start()
  await stage.finish(1, 5)
  await stage.converge()
  stage.source.reportChanges(5, 8, { operation: 'held' })
  stage.source.reportSource(8, { hold: { ...HOLD, ...fields } })
  await stage.finish(2, 8)
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

/** What the master takes to the source, and the source's answer. */
async function answer(
  outcome: AgentMessageOf<'holdResolved'>['outcome'],
  seq = 12,
): Promise<MasterMessageOf<'resolveHold'>> {
  await eventually('the word', () => stage.source.of('resolveHold').length > 0)
  const asked = stage.source.of('resolveHold').at(-1)
  if (asked === undefined) throw new Error('unreachable')
  const position = outcome === 'done' ? { epoch: 'epoch-1', seq } : null
  const { requestId } = asked
  stage.source.send({ type: 'holdResolved', requestId, outcome, position, error: null })
  return asked
}

async function states(jobId: string): Promise<string[]> {
  const { items } = await listJobEntries(stage.master.context, { jobId })
  return items.map(({ op, state }) => `${op} ${state}`)
}

async function targetState(): Promise<string | undefined> {
  return (await getConvergence(stage.master.context, 'name:web')).targets[0]?.state
}

test('what a source holds becomes a job that asks, and its targets are held', async () => {
  await hold()
  const job = await heldJob()
  expect(job).toMatchObject({
    state: 'held',
    kind: 'realtime',
    entries: 3,
    bytes: 30,
    sources: [{ from: 5, to: 8 }],
    targets: [{ state: 'held' }],
    hold: {
      code: 'MAX_DELETE',
      fingerprint: 'first',
      since: HOLD.since,
      preview: { deletes: 2, updates: 1, bytes: 30, sample: HOLD.sample },
      clearsItself: false,
    },
  })
  expect(await states(job.id)).toEqual(['delete held', 'delete held', 'delete held'])
  await eventually('the state', async () => (await targetState()) === 'held')
})

test('approval releases exactly what was shown, and the job ends once it is applied', async () => {
  await hold()
  const { id } = await heldJob()
  const approved = approveJob(stage.master.context, SYSTEM_ACTOR, {
    jobId: id,
    fingerprint: 'first',
  })
  expect(await answer('done', 11)).toMatchObject({ fingerprint: 'first', decision: 'release' })
  expect(await approved).toMatchObject({ hold: null, sources: [{ from: 5, to: 11 }] })
  stage.source.reportChanges(8, 11, { operation: 'delete' })
  stage.source.reportSource(11, { hold: null })
  const run = await stage.source.job(3)
  expect([run.jobId.startsWith(id), run.to]).toEqual([true, 11])
  stage.target.reportTarget(11)
  stage.source.reportJob(run, 'done')
  expect((await getJob(stage.master.context, id, 5000)).state).toBe('done')
  expect(await states(id)).toEqual([
    ...Array(3).fill('delete superseded'),
    ...Array(3).fill('delete applied'),
  ])
  await stage.converge()
})

test('no is an answer too: the targets keep what they have', async () => {
  await hold()
  const { id } = await heldJob()
  const cancelled = cancelJob(stage.master.context, SYSTEM_ACTOR, id)
  expect(await answer('done', 8)).toMatchObject({ decision: 'keep' })
  expect(await cancelled).toMatchObject({ state: 'cancelled', hold: null })
  stage.source.reportSource(8, { hold: null })
  await stage.converge()
  expect(await states(id)).toEqual(['delete kept', 'delete kept', 'delete kept'])
})

test('an answer to what is not held any more is refused', async () => {
  await hold()
  const { id } = await heldJob()
  const approve = (fingerprint: string) =>
    codeOf(approveJob(stage.master.context, SYSTEM_ACTOR, { jobId: id, fingerprint }))
  expect(await approve('other')).toBe('HOLD_CHANGED')
  const late = approve('first')
  await answer('changed')
  expect(await late).toBe('HOLD_CHANGED')
  expect((await heldJob()).hold?.fingerprint).toBe('first')
})

test('only one person answers', async () => {
  await hold()
  const { id } = await heldJob()
  const approve = () =>
    codeOf(approveJob(stage.master.context, SYSTEM_ACTOR, { jobId: id, fingerprint: 'first' }))
  const first = approve()
  await eventually('the word', () => stage.source.of('resolveHold').length > 0)
  expect(await approve()).toBe('HOLD_CHANGED')
  await answer('done')
  expect(await first).toBe(null)
})

test('a source that cannot be asked leaves all as it is', async () => {
  await hold()
  const { id } = await heldJob()
  stage.source.close()
  await eventually('the source to be gone', () => !stage.master.fleet.isConnected(stage.id(0)))
  const approved = approveJob(stage.master.context, SYSTEM_ACTOR, {
    jobId: id,
    fingerprint: 'first',
  })
  expect(await codeOf(approved)).toBe('PEER_UNREACHABLE')
  expect((await heldJob()).id).toBe(id)
})

test('more that comes to it changes the one job, not the number of jobs', async () => {
  await hold()
  const { id } = await heldJob()
  const more = { ...HOLD, fingerprint: 'second', deletes: 5, to: 11 }
  stage.source.reportSource(11, { hold: more })
  await eventually('the change', async () => (await heldJob()).hold?.fingerprint === 'second')
  expect(await heldJob()).toMatchObject({ id, entries: 6, sources: [{ from: 5, to: 11 }] })
})

test('what comes back at the source ends the question', async () => {
  await hold()
  const { id } = await heldJob()
  stage.source.reportChanges(8, 11)
  stage.source.reportSource(11, { hold: null })
  expect((await getJob(stage.master.context, id, 5000)).state).toBe('done')
  expect(await states(id)).toEqual(Array(3).fill('delete superseded'))
})

test('a master that starts again still asks, and takes the answer', async () => {
  await hold()
  const { id } = await heldJob()
  stage.master = await stage.master.restart()
  expect((await heldJob()).id).toBe(id)
  stage.source = await stage.connect(0)
  stage.source.reportSource(8, { hold: HOLD })
  const approved = approveJob(stage.master.context, SYSTEM_ACTOR, {
    jobId: id,
    fingerprint: 'first',
  })
  await answer('done', 11)
  expect((await approved).hold).toBe(null)
})

const ROOT = otherFolder(HOLD.since)

test('another folder in the place of a source’s root is asked about until the known one is back', async () => {
  await stage.start()
  await stage.finish(1, 5)
  stage.source.reportSource(5, { hold: ROOT, error: { code: 'ROOT_CHANGED', message: 'm' } })
  const { id, hold: shown } = await heldJob()
  expect(shown).toMatchObject({ code: 'ROOT_CHANGED', clearsItself: true })
  await eventually('the state', async () => (await targetState()) === 'held')
  stage.source.reportSource(5, { hold: null })
  expect((await getJob(stage.master.context, id, 5000)).state).toBe('done')
  await stage.converge()
})

test.each(['before', 'after'] as const)(
  'a source takes another folder for its root: its new epoch is told %s the answer',
  async (when) => {
    await stage.start()
    await stage.finish(1, 5)
    stage.source.reportSource(5, { hold: ROOT, error: { code: 'ROOT_CHANGED', message: 'm' } })
    const { id } = await heldJob()
    const approved = approveJob(stage.master.context, SYSTEM_ACTOR, {
      jobId: id,
      fingerprint: 'folder-2',
    })
    await eventually('the word', () => stage.source.of('resolveHold').length > 0)
    const [requestId = ''] = stage.source.of('resolveHold').map((asked) => asked.requestId)
    const position = { epoch: 'epoch-2', seq: 9 }
    const tell = () => stage.source.reportSource(9, { epoch: 'epoch-2', hold: null })
    if (when === 'before') tell()
    const done = { type: 'holdResolved', outcome: 'done', error: null } as const
    stage.source.send({ ...done, requestId, position })
    expect(await approved).toMatchObject({ state: 'done', hold: null })
    if (when === 'after') tell()
    const run = await stage.source.job(2)
    expect([run.epoch, run.to]).toEqual(['epoch-2', 9])
  },
)
