import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { lines } from '../../../src/cas/sync-server/lines.ts'
import type { SyncServerReport } from '../../../src/core/wire/sync-server.ts'
import { createDataDirectory } from '../../../src/platform/data-dir.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { type StoppingLine, startStoppingLine } from '../../fakes/stopping-line.ts'
import { SyncFleet, jobNode } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

// The Sync Server as a process of its own is killed while a large file is on its way to it.

setDefaultTimeout(60_000)

const SIZE = 64 << 20
const STOP_AT = 40 << 20
/** Frame heads, TLS records, one chunk that was on its way, and the talk of a job. */
const OVERHEAD = 1 << 20

let fleet: SyncFleet
let line: StoppingLine
let folder: string
let child: ReturnType<typeof spawnChild> | null = null
const path = (name: string) => join(folder, name)

beforeEach(async () => {
  fleet = await SyncFleet.make()
  line = startStoppingLine()
  folder = mkdtempSync(join(tmpdir(), 'cd-resume-'))
  for (const name of ['source', 'target']) mkdirSync(path(name))
  await createDataDirectory(path('data'), 'agent', () => {})
})
afterEach(async () => {
  await fleet.stop()
  line.stop()
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function spawnChild() {
  const program = join(import.meta.dir, '../../fakes/sync-server-process.ts')
  return Bun.spawn([process.execPath, program, path('data')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
}

/** Starts the Sync Server's process and lets so many bytes through to it. */
async function serve(allowedBytes: number): Promise<void> {
  child = spawnChild()
  const targets = [fleet.targetConfig({ path: path('target') })]
  const configuration = await fleet.configuration({ targets })
  void child.stdin.write(`${JSON.stringify(configuration)}\n`)
  await child.stdin.flush()
  const { stdout } = child
  void (async () => {
    for await (const text of lines(stdout)) {
      const report: SyncServerReport = JSON.parse(text)
      if (report.type === 'listening') line.lead(report.port, allowedBytes)
    }
  })()
}

function stagedFiles(): string[] {
  const staging = path('target/.cd-staging')
  const found = readdirSync(staging, { recursive: true, withFileTypes: true })
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
}

function stagedBytes(): number {
  try {
    return stagedFiles().reduce((sum, file) => sum + statSync(file).size, 0)
  } catch {
    return 0
  }
}

/** Sends a large file until it stops in the middle, kills the server there, and goes on with another. */
async function killInMidFile(meanwhile: (source: DiskSource) => void) {
  const stretch = crypto.getRandomValues(Buffer.alloc(65_536))
  writeFileSync(path('source/large'), Buffer.alloc(SIZE, stretch))
  const source = new DiskSource(path('source'))
  source.scan()
  await serve(STOP_AT)
  const { client, reports } = fleet.client(line.port, source)
  const retry = { attempts: 100, backoffMs: 20 }
  const plain = jobNode({ ticket: await fleet.ticket() })
  const children = [{ ...plain, hop: { ...plain.hop, compression: 0 } }]
  const run = client.run(await fleet.job(source.headSeq(), { retry, children }))
  await waitFor('most of the file', () => stagedBytes() > STOP_AT - (4 << 20))
  expect(readdirSync(path('target'))).toEqual(['.cd-staging'])
  line.hold()
  child?.kill('SIGKILL')
  await child?.exited
  const keptBytes = stagedBytes()
  const passedBytes = line.passedBytes
  meanwhile(source)
  await serve(Infinity)
  await run
  expect(reports.at(-1)).toMatchObject({ state: 'done', error: null })
  return { keptBytes, source, client, reports, restBytes: line.passedBytes - passedBytes }
}

function hashAt(name: string): string {
  return hashBytes(readFileSync(path(name)))
}

test('a target killed in mid-file gets only the rest', async () => {
  const { keptBytes, restBytes } = await killInMidFile(() => {})
  expect(keptBytes).toBeGreaterThan(STOP_AT - (4 << 20))
  expect(restBytes).toBeLessThanOrEqual(SIZE - keptBytes + OVERHEAD)
  expect(restBytes).toBeGreaterThan(SIZE - keptBytes - OVERHEAD)
  expect(hashAt('target/large')).toBe(hashAt('source/large'))
  expect(readdirSync(path('target'))).toEqual(['large'])
})

test('staged content that was spoiled meanwhile is not used', async () => {
  const { restBytes } = await killInMidFile(() => {
    for (const file of stagedFiles()) {
      const content = readFileSync(file)
      content[12_345] = (content[12_345] ?? 0) ^ 1
      writeFileSync(file, content)
    }
  })
  expect(restBytes).toBeGreaterThan(SIZE)
  expect(hashAt('target/large')).toBe(hashAt('source/large'))
})

test('a source that changed meanwhile sends what it is now', async () => {
  const { client, reports, source } = await killInMidFile((changed) => {
    writeFileSync(path('source/large'), Buffer.alloc(2 << 20, 'new'))
    changed.scan()
  })
  await client.run(await fleet.job(source.headSeq()))
  expect(reports.at(-1)).toMatchObject({ state: 'done', error: null })
  expect(hashAt('target/large')).toBe(hashAt('source/large'))
  expect(readdirSync(path('target'))).toEqual(['large'])
})
