import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { targetOpener } from '../../../src/cas/apply/target-opener.ts'
import { fromText } from '../../../src/core/base/byte-string.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { random } from '../../fakes/random.ts'
import { SyncFleet, jobNode } from '../../fakes/sync-fleet.ts'

const log = createLogger({ level: 'error', write: () => {} })
const next = random(21)
const noise = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, () => next(256)))

let folder: string
let fleet: SyncFleet
let index: IndexFile | null = null

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cd-patch-'))
  mkdirSync(join(folder, 'source'))
  fleet = await SyncFleet.make()
})
afterEach(async () => {
  await fleet.stop()
  index?.close()
  rmSync(folder, { recursive: true, force: true })
})

const inSource = (name: string) => join(folder, 'source', name)
const inTarget = (name: string) => join(folder, 'target', name)

/** A receiving agent into a folder, and one that sends to it. */
async function makeStage() {
  const source = new DiskSource(join(folder, 'source'))
  const path = join(folder, 'target')
  mkdirSync(path)
  index = IndexFile.open(join(folder, 'index.db'))
  const { port } = await fleet.serve({
    openTarget: targetOpener({ index, log }),
    configuration: { targets: [fleet.targetConfig({ path: fromText(path) })] },
  })
  const { client, reports } = fleet.client(port, source)
  return async () => {
    source.scan()
    const hop = { ...jobNode({}).hop, method: 'patch' as const }
    const ticket = await fleet.ticket()
    await client.run(await fleet.job(source.headSeq(), { children: [jobNode({ ticket, hop })] }))
    const report = reports.at(-1)
    expect(report).toMatchObject({ state: 'done', entriesFailed: 0 })
    return report?.bytesOnWire ?? 0
  }
}

test('over real connections and disks a changed large file costs its changes', async () => {
  const send = await makeStage()
  const content = noise(6 << 20)
  writeFileSync(inSource('large'), content)
  expect(await send()).toBeGreaterThan(6 << 20)
  for (let generation = 0; generation < 4; generation++) {
    const changed = Buffer.concat([noise(5), content])
    noise(100).copy(changed, (generation + 1) << 20)
    writeFileSync(inSource('large'), changed)
    const bytes = await send()
    expect(readFileSync(inTarget('large')).equals(changed)).toBe(true)
    // The first time the target is asked for the signature of its version, 24 bytes a block.
    expect(bytes).toBeLessThan(generation === 0 ? 40_000 : 8000)
  }
})

test('a file that the target changed itself is sent whole', async () => {
  const send = await makeStage()
  const content = noise(1 << 20)
  writeFileSync(inSource('large'), content)
  await send()
  writeFileSync(inTarget('large'), noise(1 << 20))
  const changed = Buffer.concat([content, noise(5)])
  writeFileSync(inSource('large'), changed)
  expect(await send()).toBeGreaterThan(1 << 20)
  expect(readFileSync(inTarget('large')).equals(changed)).toBe(true)
})
