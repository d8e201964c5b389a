import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { rootAccepter, targetOpener } from '../../../src/cas/apply/target-opener.ts'
import type { SyncServer } from '../../../src/cas/sync-server/sync-server.ts'
import type { AgentMessageOf } from '../../../src/core/wire/control.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { SyncFleet } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

// Over real connections, with a real index and tree: what lies at a target before anything was received into it.

setDefaultTimeout(30_000)

let fleet: SyncFleet
let folder: string
let index: IndexFile
let server: SyncServer
let reports: readonly AgentMessageOf<'targetReport'>[]
let answers: AgentMessageOf<'holdResolved'>[]
const at = (name: string) => join(folder, name)

beforeEach(async () => {
  fleet = await SyncFleet.make()
  folder = mkdtempSync(join(tmpdir(), 'cd-holds-'))
  for (const name of ['source', 'target']) mkdirSync(at(name))
  index = IndexFile.open(at('index.db'))
  writeFileSync(at('source/page'), 'of the source')
  writeFileSync(at('source/other'), 'flows')
  writeFileSync(at('target/page'), 'was here')
  writeFileSync(at('target/stranger'), 'was here too')
})
afterEach(async () => {
  await fleet.stop()
  index.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A target that holds what lies there; gives the function that sends to it. */
async function serve(firstContact: 'hold' | 'replace' = 'hold') {
  answers = []
  const log = createLogger({ level: 'error', write: () => undefined })
  const served = await fleet.serve({
    openTarget: targetOpener({ index, log }),
    acceptRoot: rootAccepter({ index, log }),
    configuration: { targets: [fleet.targetConfig({ path: at('target'), firstContact })] },
    onAnswer: (answer) => answers.push(answer),
  })
  server = served.server
  reports = served.reports
  const source = new DiskSource(at('source'))
  const sending = fleet.client(served.port, source)
  return async (state = 'done') => {
    source.scan()
    const retry = { attempts: 1, backoffMs: 1 }
    await sending.client.run(await fleet.job(source.headSeq(), { retry }))
    expect(sending.reports.at(-1)).toMatchObject({ state, entriesFailed: 0 })
  }
}

const hold = () => reports.at(-1)?.hold

async function answer(decision: 'release' | 'keep', fingerprint = hold()?.fingerprint ?? 'none') {
  const place = { kind: 'binding', bindingId: 'binding-1' } as const
  await server.resolveHold({
    type: 'resolveHold',
    requestId: 'r',
    place,
    fingerprint,
    decision,
  })
  return answers.at(-1)?.outcome
}

test('what would go is reported with the position, and all else is there', async () => {
  const send = await serve()
  await send()
  expect(reports.at(-1)).toMatchObject({
    pendingCount: 0,
    pending: [{ path: 'page', code: 'EXTRA_IN_THE_WAY', state: 'held' }],
    hold: {
      code: 'FIRST_CONTACT',
      message: '2 files lie there that the source has not put there',
      deletes: 1,
      updates: 1,
      bytes: 20,
      sample: ['page', 'stranger'],
    },
  })
  expect(readFileSync(at('target/other'), 'utf8')).toBe('flows')
})

test('yes: exactly that goes with the next job', async () => {
  const send = await serve()
  await send()
  expect(await answer('release')).toBe('done')
  expect(reports.at(-1)).toMatchObject({ hold: null, pendingCount: 2 })
  await send()
  expect(reports.at(-1)).toMatchObject({ hold: null, pendingCount: 0, pending: [] })
  expect(readFileSync(at('target/page'), 'utf8')).toBe('of the source')
  expect(existsSync(at('target/stranger'))).toBe(false)
})

test('yes, where nothing of the source stands for what goes: a set without entries does it', async () => {
  rmSync(at('target/page'))
  const send = await serve()
  await send()
  expect(hold()).toMatchObject({ from: 0, to: 0, deletes: 1, updates: 0 })
  expect(await answer('release')).toBe('done')
  await send()
  expect(reports.at(-1)).toMatchObject({ hold: null, pendingCount: 0 })
  expect(existsSync(at('target/stranger'))).toBe(false)
})

test('no: what lies there stays, and is counted', async () => {
  const send = await serve()
  await send()
  expect(await answer('keep')).toBe('done')
  writeFileSync(at('source/page'), 'of the source, changed')
  await send()
  expect(reports.at(-1)).toMatchObject({
    hold: null,
    pendingCount: 0,
    pending: [{ path: 'page', state: 'kept' }],
    notes: { counts: [{ code: 'KEPT', count: 2 }] },
  })
  expect(readFileSync(at('target/page'), 'utf8')).toBe('was here')
  expect(existsSync(at('target/stranger'))).toBe(true)
})

test('what changed since it was shown is shown anew, and nothing goes', async () => {
  const send = await serve()
  await send()
  const shown = hold()?.fingerprint
  writeFileSync(at('target/stranger'), 'was here too, and somebody works on it')
  expect(await answer('release', shown)).toBe('changed')
  expect(hold()).toMatchObject({ deletes: 1, updates: 1 })
  expect(hold()?.fingerprint).not.toBe(shown ?? '')
  expect(reports.at(-1)?.pendingCount).toBe(0)
  expect(await answer('release')).toBe('done')
  expect(await answer('release', shown)).toBe('unknown')
})

test('the answer is durable before it is told', async () => {
  const send = await serve()
  await send()
  await answer('release')
  index.close()
  index = IndexFile.open(at('index.db'))
  const again = await serve()
  expect(reports.at(-1)).toMatchObject({ hold: null, pendingCount: 2 })
  await again()
  expect(existsSync(at('target/stranger'))).toBe(false)
})

test('what is held gives way once the policy says so', async () => {
  const send = await serve()
  await send()
  const replacing = await serve('replace')
  expect(reports.at(-1)).toMatchObject({ hold: null, pendingCount: 2 })
  await replacing()
  expect(readFileSync(at('target/page'), 'utf8')).toBe('of the source')
  expect(existsSync(at('target/stranger'))).toBe(false)
})

test('an answer about a binding that is not here is told so', async () => {
  await serve()
  const place = { kind: 'binding', bindingId: 'another' } as const
  const word = { place, fingerprint: 'f', decision: 'keep' } as const
  await server.resolveHold({ type: 'resolveHold', requestId: 'q', ...word })
  expect(answers).toMatchObject([{ requestId: 'q', outcome: 'unknown', error: null }])
})

/** Another folder lies in the place of the root, with files at paths that were received. */
async function swapped(): Promise<(state?: string) => Promise<void>> {
  const send = await serve('replace')
  await send()
  renameSync(at('target'), at('away'))
  mkdirSync(at('target'))
  writeFileSync(at('target/page'), 'of the other folder')
  writeFileSync(at('source/other'), 'changed')
  await send('failed')
  return send
}

test('another folder in the place of the root is held, and goes on by itself when the known one is back', async () => {
  const send = await swapped()
  expect(reports.at(-1)).toMatchObject({
    error: { code: 'ROOT_CHANGED' },
    watermark: { epoch: 'epoch-1' },
    hold: { code: 'ROOT_CHANGED', deletes: 0, updates: 0, bytes: 0, sample: [] },
  })
  expect(await answer('keep')).toBe('unknown')
  expect(await answer('release', 'another')).toBe('changed')
  rmSync(at('target'), { recursive: true })
  renameSync(at('away'), at('target'))
  await waitFor('it to be noticed', () => reports.at(-1)?.error === null)
  expect(reports.at(-1)).toMatchObject({ hold: null, pendingCount: 0 })
  await send()
  expect(readFileSync(at('target/other'), 'utf8')).toBe('changed')
})

test('the other folder is accepted: nothing in it counts as ours', async () => {
  await swapped()
  const again = await serve()
  expect(await answer('release')).toBe('done')
  expect(reports.at(-1)).toMatchObject({ watermark: null, error: null, hold: null })
  await again()
  expect(reports.at(-1)?.hold).toMatchObject({ code: 'FIRST_CONTACT', updates: 1 })
  expect(readFileSync(at('target/page'), 'utf8')).toBe('of the other folder')
  expect(readFileSync(at('target/other'), 'utf8')).toBe('changed')
  expect(await answer('release')).toBe('done')
  await again()
  expect(readFileSync(at('target/page'), 'utf8')).toBe('of the source')
})

test('a folder that was changed for a third one is not accepted for it', async () => {
  await swapped()
  const shown = hold()?.fingerprint
  rmSync(at('target'), { recursive: true })
  mkdirSync(at('target'))
  writeFileSync(at('target/third'), '')
  expect(await answer('release', shown)).toBe('changed')
  expect(hold()?.fingerprint).not.toBe(shown ?? '')
  expect(await answer('release')).toBe('done')
})
