import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { compareTrees } from '../../../scripts/fleet/compare-trees.ts'
import { HeldSources } from '../../../src/cas/agent/held-sources.ts'
import { targetOpener } from '../../../src/cas/apply/target-opener.ts'
import { noChange } from '../../../src/core/apply/index-store.ts'
import { type ByteString, toText } from '../../../src/core/base/byte-string.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'
import type { TargetConfig } from '../../../src/core/wire/control.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { openReadTree } from '../../../src/platform/trees.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { random } from '../../fakes/random.ts'
import { SyncFleet, jobNode } from '../../fakes/sync-fleet.ts'

// One target serves another in the stead of their source: real folders, real connections, the real index.

setDefaultTimeout(60_000)

const log = createLogger({ level: 'error', write: () => undefined })

let fleet: SyncFleet
let folder: string
let index: IndexFile
let held: HeldSources | null = null
const at = (name: string) => join(folder, name)
const write = (name: string, text: string) => writeFileSync(join(at('source'), name), text)

beforeEach(async () => {
  fleet = await SyncFleet.make()
  folder = mkdtempSync(join(tmpdir(), 'cd-held-'))
  for (const name of ['source', 'holder', 'child']) mkdirSync(at(name))
  index = IndexFile.open(at('index.db'))
})
afterEach(async () => {
  held?.close()
  held = null
  await fleet.stop()
  index.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Sent {
  readonly state: string | undefined
  readonly code: string | null
  readonly failed: number | undefined
}

/** A source with two targets; `send` goes from the source, `pass` from what the holder holds, up to its watermark. */
async function rig(
  changes: Partial<TargetConfig['metadata']> = {},
  filter: Partial<TargetConfig['filter']> = {},
) {
  const plain = fleet.targetConfig()
  const metadata = { ...plain.metadata, ...changes }
  const targets = ['holder', 'child'].map((name) =>
    fleet.targetConfig({ bindingId: name, path: at(name), metadata }),
  )
  const { port } = await fleet.serve({
    openTarget: targetOpener({ index, log }),
    configuration: { targets },
  })
  const sources = new HeldSources({
    indexFile: at('index.db'),
    openTree: (path: ByteString) => openReadTree(toText(path).text),
    targets: () => targets.map((one) => ({ ...one, filter: { ...one.filter, ...filter } })),
  })
  held = sources
  const source = new DiskSource(at('source'), metadata)
  const direct = fleet.client(port, source)
  const passing = fleet.client(port, null, {
    outbound: ({ holderId, sourceId }) => sources.open(holderId ?? '', sourceId),
  })
  let jobs = 0
  const run = async (
    by: typeof direct,
    to: number,
    order: { bindingId: string; holderId?: string },
  ) => {
    const { bindingId } = order
    const jobId = `job-${++jobs}`
    const ticket = await fleet.ticket({ claims: { jobId, bindingId, runAtMs: jobs } })
    const children = [jobNode({ bindingId, ticket })]
    const retry = { attempts: 1, backoffMs: 10 }
    await by.client.run(await fleet.job(to, { jobId, children, retry, ...order }))
    const last = by.reports.at(-1)
    return { state: last?.state, code: last?.error?.code ?? null, failed: last?.entriesFailed }
  }
  const send = async (bindingId: string): Promise<Sent> => {
    source.scan()
    return await run(direct, source.headSeq(), { bindingId })
  }
  const pass = async (): Promise<Sent> => {
    const to = index.binding('holder').watermark()?.seq ?? 0
    return await run(passing, to, { bindingId: 'child', holderId: 'holder' })
  }
  return { source, send, pass }
}

const DONE: Sent = { state: 'done', code: null, failed: 0 }
const differences = () => compareTrees(at('holder'), at('child'))

test('a target that has nothing gets everything from another', async () => {
  const { send, pass } = await rig()
  mkdirSync(join(at('source'), 'folder'))
  write('folder/file', 'content')
  write('large', 'x'.repeat(3 << 20))
  expect(await send('holder')).toEqual(DONE)
  expect(await pass()).toEqual(DONE)
  expect(differences()).toEqual([])
  expect(index.binding('child').watermark()).toEqual(index.binding('holder').watermark())
})

test('what was changed, renamed and deleted meanwhile, and nothing else', async () => {
  const { send, pass } = await rig()
  for (const name of ['stays', 'changes', 'moves', 'goes']) write(name, name)
  for (const name of ['holder', 'child'] as const) expect(await send(name)).toEqual(DONE)
  write('changes', 'another content')
  renameSync(join(at('source'), 'moves'), join(at('source'), 'moved'))
  rmSync(join(at('source'), 'goes'))
  expect(await send('holder')).toEqual(DONE)
  expect(await pass()).toEqual(DONE)
  expect(readdirSync(at('child')).toSorted()).toEqual(
    expect.arrayContaining(['changes', 'moved', 'stays']),
  )
  expect(differences()).toEqual([])
  // The source goes on from there.
  write('later', 'later')
  expect(await send('child')).toEqual(DONE)
  expect(compareTrees(at('source'), at('child'))).toEqual([])
})

test('names of one file stay names of one', async () => {
  const { send, pass } = await rig({ hardLinks: true })
  write('one', 'content')
  linkSync(join(at('source'), 'one'), join(at('source'), 'two'))
  expect(await send('holder')).toEqual(DONE)
  linkSync(join(at('source'), 'one'), join(at('source'), 'three'))
  expect(await send('holder')).toEqual(DONE)
  expect(await pass()).toEqual(DONE)
  expect(differences()).toEqual([])
})

test('what somebody changed at the holder is not passed on, and comes from the source', async () => {
  const { send, pass } = await rig()
  write('file', 'as the source has it')
  write('other', 'other')
  expect(await send('holder')).toEqual(DONE)
  writeFileSync(join(at('holder'), 'file'), 'as nobody should')
  expect(await pass()).toEqual({ ...DONE, failed: 1 })
  expect(readdirSync(at('child'))).toContain('other')
  expect(readdirSync(at('child'))).not.toContain('file')
  expect(index.binding('child').pending()).toMatchObject([{ code: 'SOURCE_UNAVAILABLE' }])
  expect(await send('child')).toEqual(DONE)
  expect(compareTrees(at('source'), at('child'))).toEqual([])
})

test('a holder that has what the filter leaves out by now does not go past it', async () => {
  const filter = { exclude: ['secret'] }
  const { send, pass } = await rig({}, filter)
  mkdirSync(join(at('source'), 'folder'))
  for (const name of ['folder/secret', 'folder/other']) write(name, 'x')
  expect(await send('holder')).toEqual(DONE)
  expect(await pass()).toMatchObject({ state: 'failed', code: 'SOURCE_UNAVAILABLE' })
  expect(existsSync(join(at('child'), 'folder/secret'))).toBe(false)
  // It is let through again before the source has heard that it was not.
  filter.exclude = []
  expect(await pass()).toEqual(DONE)
  expect(differences()).toEqual([])
})

test('what left, and the filter leaves out by now, is not deleted', async () => {
  const { send, pass } = await rig({}, { exclude: ['^kept'] })
  for (const name of ['kept', 'goes']) write(name, 'x')
  for (const name of ['child', 'holder'] as const) expect(await send(name)).toEqual(DONE)
  for (const name of ['kept', 'goes']) rmSync(join(at('source'), name))
  write('other', 'x')
  expect(await send('holder')).toEqual(DONE)
  expect(await pass()).toEqual(DONE)
  const names = readdirSync(at('child')).filter((name) => !name.startsWith('.'))
  expect(names.toSorted()).toEqual(['kept', 'other'])
})

test('a holder that does not hold everything serves nobody', async () => {
  const { send, pass } = await rig()
  write('file', 'content')
  expect(await pass()).toMatchObject({ state: 'failed', code: 'SOURCE_UNAVAILABLE' })
  // Something that is not of the source lies in the way, and waits for a person.
  mkdirSync(join(at('holder'), 'file'))
  expect(await send('holder')).toMatchObject({ state: 'done' })
  expect(index.binding('holder').pending()).not.toEqual([])
  expect(await pass()).toMatchObject({ state: 'failed', code: 'SOURCE_UNAVAILABLE' })
  expect(readdirSync(at('child'))).not.toContain('file')
})

test('a holder that cannot hold something at all serves nobody', async () => {
  const { send, pass } = await rig()
  write('file', 'content')
  symlinkSync('file', join(at('source'), 'link'))
  expect(await send('holder')).toEqual(DONE)
  leaveOut('link' as RelPath)
  expect(await pass()).toMatchObject({ state: 'failed', code: 'SOURCE_UNAVAILABLE' })
  expect(existsSync(join(at('child'), 'file'))).toBe(false)
})

/** As it is where the file system of the holder has no links. */
function leaveOut(path: RelPath): void {
  rmSync(join(at('holder'), toText(path).text))
  const binding = index.binding('holder')
  const seq = binding.get(path)?.seq ?? 0
  const notes = [{ seq, path, code: 'TYPE_UNSUPPORTED' }] as const
  binding.commit({ ...noChange(binding), removes: [path], notes })
}

test('a holder whose root is another folder by now serves nobody', async () => {
  const { send, pass } = await rig()
  write('file', 'content')
  expect(await send('holder')).toEqual(DONE)
  renameSync(at('holder'), at('elsewhere'))
  mkdirSync(at('holder'))
  expect(await pass()).toMatchObject({ state: 'failed', code: 'ROOT_CHANGED' })
  expect(readdirSync(at('child'))).not.toContain('file')
})

test('what left before a holder began, it cannot tell', async () => {
  const { send, pass } = await rig()
  write('goes', 'x')
  write('stays', 'x')
  expect(await send('child')).toEqual(DONE)
  rmSync(join(at('source'), 'goes'))
  expect(await send('holder')).toEqual(DONE)
  expect(await pass()).toMatchObject({ state: 'failed', code: 'SOURCE_UNAVAILABLE' })
  expect(readdirSync(at('child'))).toContain('goes')
})

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'seed %i: from wherever a target stands, it ends like its holder',
  async (seed) => {
    const { send, pass } = await rig()
    const dice = random(seed)
    const places = ['', 'a/', 'b/', 'a/c/']
    for (const place of places) mkdirSync(join(at('source'), place), { recursive: true })
    const change = (): void => {
      const one = join(at('source'), `${places[dice(4)]}${dice(8)}`)
      const kind = dice(4)
      if (kind === 0) rmSync(one, { force: true })
      else if (kind === 1) {
        const other = join(at('source'), `${places[dice(4)]}${dice(8)}`)
        if (existsSync(one)) renameSync(one, other)
      } else writeFileSync(one, 'x'.repeat(dice(50)))
    }
    const changes = (count: number): void => {
      for (let done = 0; done < count; done++) change()
    }
    changes(dice(30))
    for (const name of ['holder', 'child'] as const) expect(await send(name)).toEqual(DONE)
    for (let round = 0; round < 4; round++) {
      changes(dice(20))
      expect(await send('holder')).toEqual(DONE)
      if (dice(2) === 0) expect(await pass()).toEqual(DONE)
    }
    expect(await pass()).toEqual(DONE)
    expect(differences()).toEqual([])
    expect(compareTrees(at('source'), at('child'))).toEqual([])
  },
)

test.each<[string, boolean, Sent]>([
  ['which the ticket names: taken', true, DONE],
  ['which nobody named: refused', false, { state: 'failed', code: 'SIGNATURE_INVALID', failed: 0 }],
])('sets signed with the key of a holder, %s', async (_, isNamed, expected) => {
  const target = fleet.targetConfig({
    bindingId: 'child',
    path: at('child'),
    sourceKey: fleet.target.publicKey,
  })
  const { port } = await fleet.serve({
    openTarget: targetOpener({ index, log }),
    configuration: { targets: [target] },
  })
  const source = new DiskSource(at('source'))
  write('file', 'content')
  source.scan()
  const { client, reports } = fleet.client(port, source)
  const signer = isNamed ? { signerKey: fleet.source.publicKey } : {}
  const ticket = await fleet.ticket({ claims: { bindingId: 'child', ...signer } })
  const retry = { attempts: 1, backoffMs: 10 }
  const children = [jobNode({ bindingId: 'child', ticket })]
  await client.run(await fleet.job(source.headSeq(), { children, retry }))
  const last = reports.at(-1)
  const code = last?.error?.code ?? null
  const sent: Sent = { state: last?.state, code, failed: last?.entriesFailed }
  expect(sent).toEqual(expected)
})
