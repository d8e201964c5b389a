import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { targetOpener } from '../../../src/cas/apply/target-opener.ts'
import type { TargetConfig } from '../../../src/core/wire/control.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { SyncFleet } from '../../fakes/sync-fleet.ts'

// What files are beside their content, from a real folder into a real folder over a real connection.

setDefaultTimeout(60_000)

const MIB = 1 << 20

let fleet: SyncFleet
let folder: string
let index: IndexFile
const path = (name: string) => join(folder, name)

beforeEach(async () => {
  fleet = await SyncFleet.make()
  folder = mkdtempSync(join(tmpdir(), 'cd-metadata-'))
  for (const name of ['source', 'target']) mkdirSync(path(name))
  index = IndexFile.open(path('index.db'))
})
afterEach(async () => {
  await fleet.stop()
  index.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A target under a policy's metadata, and a function that sends everything that changed to it. */
async function serve(metadata: Partial<TargetConfig['metadata']> = {}) {
  const plain = fleet.targetConfig()
  const config = { path: path('target'), metadata: { ...plain.metadata, ...metadata } }
  const log = createLogger({ level: 'error' })
  const { port } = await fleet.serve({
    openTarget: targetOpener({ index, log }),
    configuration: { targets: [fleet.targetConfig(config)] },
  })
  const source = new DiskSource(path('source'))
  const { client, reports } = fleet.client(port, source)
  return async () => {
    source.scan()
    await client.run(await fleet.job(source.headSeq()))
    expect(reports.at(-1)).toMatchObject({ state: 'done', error: null, entriesFailed: 0 })
    return reports.at(-1)?.bytesOnWire ?? 0
  }
}

function takenBytes(name: string): number {
  return statSync(path(name)).blocks * 512
}

/** 200 MiB in which only three stretches hold anything. */
function makeSparse(name: string): void {
  const file = openSync(path(name), 'w')
  for (const [position, text] of [
    [5, 'near the beginning'],
    [100 * MIB + 1, 'in the middle'],
    [180 * MIB, 'near the end'],
  ] as const)
    writeSync(file, text, position)
  ftruncateSync(file, 200 * MIB + 123)
  closeSync(file)
}

function hashAt(name: string): string {
  return hashBytes(readFileSync(path(name)))
}

test('holes arrive as holes, and stay so where the content is here already', async () => {
  const send = await serve()
  makeSparse('source/sparse')
  expect(await send()).toBeLessThan(2 * MIB)
  writeFileSync(path('source/copy'), readFileSync(path('source/sparse')))
  await send()
  for (const name of ['sparse', 'copy']) {
    expect(statSync(path(`target/${name}`)).size).toBe(200 * MIB + 123)
    expect(takenBytes(`target/${name}`)).toBeLessThan(MIB)
    expect(hashAt(`target/${name}`)).toBe(hashAt('source/sparse'))
  }
})

test('a policy without sparse files writes every zero', async () => {
  const send = await serve({ sparse: false })
  writeFileSync(path('source/zeros'), new Uint8Array(3 * MIB))
  await send()
  expect(takenBytes('target/zeros')).toBeGreaterThanOrEqual(3 * MIB)
})

test('a fifo arrives, changes, becomes a file and goes', async () => {
  const send = await serve()
  Bun.spawnSync(['mkfifo', '-m', '640', path('source/fifo')])
  await send()
  const made = statSync(path('target/fifo'))
  expect([made.isFIFO(), made.mode & 0o7777]).toEqual([true, 0o640])
  expect(made.mtimeMs).toBe(statSync(path('source/fifo')).mtimeMs)
  Bun.spawnSync(['chmod', '600', path('source/fifo')])
  await send()
  expect(statSync(path('target/fifo')).mode & 0o7777).toBe(0o600)
  rmSync(path('source/fifo'))
  writeFileSync(path('source/fifo'), 'a file now')
  await send()
  expect(readFileSync(path('target/fifo'), 'utf8')).toBe('a file now')
})
