import { afterAll, beforeAll, expect, test } from 'bun:test'
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { makeRandomTree } from '../../scripts/fleet/random-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { OPERATIONS } from './operations.ts'
import { describeWith, rsyncDifferences } from './rsync.ts'

const FILES = 20_000
const MINUTE_MS = 60_000
const EVERYTHING = {
  metadata: { hardLinks: true, xattrs: true, acls: true },
  // Few files, and most of them leave.
  maxDelete: { count: null, percent: null },
}

interface JobItem {
  readonly id: string
  readonly targets: readonly { serverId: string; bytesOnWire: number; entriesApplied: number }[]
}

interface HeldItem {
  readonly id: string
  readonly hold: {
    readonly fingerprint: string
    readonly preview: { readonly deletes: number }
  } | null
}

function filesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).length
}

describeWith(['rsync', 'setfattr', 'setfacl'], 'through the executables alone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-e2e-'))
  const fleet = new Fleet(directory)

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const [near, far] = [await fleet.addGroup('near'), await fleet.addGroup('far')]
    await fleet.addAgent('source', near)
    await fleet.addAgent('target-1', near)
    await fleet.addAgent('target-2', far)
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  /** A policy over a new folder; gives the source's path, the targets' paths and the policy's id. */
  async function policyOver(
    folder: string,
    fill: (source: string) => void,
    more: Readonly<Record<string, unknown>> = {},
  ) {
    const [source = '', ...targets] = fleet.agents.map((agent) => folderOf(fleet, agent, folder))
    for (const path of [source, ...targets]) mkdirSync(path, { recursive: true })
    fill(source)
    const [from, ...to] = fleet.agents
    if (from === undefined) throw new Error('the fleet has no source')
    const roots = { source: from, targets: to, folder }
    const policyId = await distribute(fleet, { name: folder, ...roots, more })
    return { source, targets, policyId }
  }

  async function arrives(source: string, targets: readonly string[], timeoutMs = 20_000) {
    for (const target of targets) {
      await waitFor(
        `${target} to equal the source`,
        () => rsyncDifferences(source, target).length === 0,
        timeoutMs,
      ).catch(() => expect(rsyncDifferences(source, target)).toEqual([]))
    }
  }

  test(
    `${FILES} files arrive byte for byte with their metadata`,
    async () => {
      const { source, targets, policyId } = await policyOver('many', (folder) =>
        makeRandomTree(folder, FILES),
      )
      await fleet.converged(policyId, 2 * MINUTE_MS)
      for (const target of targets) expect(rsyncDifferences(source, target)).toEqual([])

      writeFileSync(join(targets[0] ?? '', 'planted'), 'a difference that must be seen')
      expect(rsyncDifferences(source, targets[0] ?? '')).not.toEqual([])
      rmSync(join(targets[0] ?? '', 'planted'))

      appendFileSync(join(source, 'd3/d3/file-3333'), 'one more line')
      await arrives(source, targets)
    },
    3 * MINUTE_MS,
  )

  test(
    'a renamed folder of 1,000 files sends no content',
    async () => {
      const { source, targets, policyId } = await policyOver('renamed', (folder) =>
        makeRandomTree(folder, 1000),
      )
      await fleet.converged(policyId)
      const before = await fleet.api.get<{ items: JobItem[] }>(`/jobs?policyId=${policyId}`)
      renameSync(join(source, 'd0'), join(source, 'another name'))
      await arrives(source, targets)
      await fleet.converged(policyId)
      const after = await fleet.api.get<{ items: JobItem[] }>(`/jobs?policyId=${policyId}`)
      const known = new Set(before.items.map((job) => job.id))
      const jobs = after.items.filter((job) => !known.has(job.id))
      expect(jobs.length).toBeGreaterThan(0)
      for (const agent of fleet.agents.slice(1)) {
        const sent = jobs
          .flatMap((job) => job.targets)
          .filter((target) => target.serverId === agent.serverId)
        const bytes = sent.reduce((sum, target) => sum + target.bytesOnWire, 0)
        // 1,000 files of 8.5 KiB would be 8.7 MB; 2,000 rows of names and metadata are well below 300 KB.
        expect(bytes).toBeGreaterThan(0)
        expect(bytes).toBeLessThan(300_000)
      }
    },
    2 * MINUTE_MS,
  )

  test(
    'every operation arrives on both targets',
    async () => {
      const { source, targets, policyId } = await policyOver(
        'operations',
        () => undefined,
        EVERYTHING,
      )
      await fleet.converged(policyId)
      const at = (name: string) =>
        Buffer.concat([Buffer.from(`${source}/`), Buffer.from(name, 'latin1')])
      for (const [name, run] of OPERATIONS) {
        run(at)
        try {
          await arrives(source, targets)
        } catch (error) {
          throw new Error(`after "${name}"`, { cause: error })
        }
      }
      await fleet.converged(policyId)
      for (const target of targets) expect(rsyncDifferences(source, target)).toEqual([])
    },
    5 * MINUTE_MS,
  )

  test(
    'a wiped source wipes no target until somebody lets it',
    async () => {
      const maxDelete = { count: 5, percent: null }
      const fill = (folder: string) => makeRandomTree(folder, 100)
      const { source, targets, policyId } = await policyOver('wiped', fill, { maxDelete })
      await fleet.converged(policyId)
      const files = () => targets.map((target) => filesBelow(target))
      expect(files()).toEqual([100, 100])
      for (const name of readdirSync(source)) rmSync(join(source, name), { recursive: true })
      const held = async () =>
        (await fleet.api.get<{ items: HeldItem[] }>(`/jobs?policyId=${policyId}&state=held`)).items
      await waitFor('all that is too much to be held', async () => {
        return (await held())[0]?.hold?.preview.deletes === 95
      })
      writeFileSync(join(source, 'new'), 'all else flows on')
      await waitFor('what is new and what was allowed', () => files().every((n) => n === 96))

      const [job] = await held()
      await fleet.api.post(`/jobs/${job?.id}/approve`, { fingerprint: job?.hold?.fingerprint })
      await arrives(source, targets)
      await fleet.converged(policyId)
    },
    2 * MINUTE_MS,
  )

  test(
    'a file that is written for five seconds arrives once and whole; a log beside it keeps nothing waiting',
    async () => {
      const { source, targets, policyId } = await policyOver('slowly', () => undefined)
      await fleet.converged(policyId)
      const [target = ''] = targets
      const versions = new Map([
        ['slow', new Set<string>()],
        ['log', new Set<string>()],
      ])
      const look = setInterval(() => {
        for (const [name, seen] of versions) {
          const state = statSync(join(target, name), { throwIfNoEntry: false })
          if (state !== undefined) seen.add(`${state.ino} ${state.size}`)
        }
      }, 5)
      const log = openSync(join(source, 'log'), 'a')
      const append = setInterval(() => writeSync(log, 'line\n'), 10)
      const slow = openSync(join(source, 'slow'), 'w')
      for (let round = 0; round < 25; round++) {
        writeSync(slow, 'x'.repeat(1000))
        await Bun.sleep(200)
        if (round % 6 > 0) continue
        writeFileSync(join(source, `other-${round}`), 'is not kept waiting')
        const other = join(target, `other-${round}`)
        await waitFor('another file', () => existsSync(other), 9000)
      }
      closeSync(slow)
      await waitFor('the slow one', () => existsSync(join(target, 'slow')))
      await waitFor('the log', () => existsSync(join(target, 'log')))
      clearInterval(append)
      closeSync(log)
      await arrives(source, targets)
      clearInterval(look)
      expect([...(versions.get('slow') ?? [])].map((version) => version.split(' ')[1])).toEqual([
        '25000',
      ])
      expect(versions.get('log')?.size).toBeGreaterThan(0)
    },
    MINUTE_MS,
  )

  test(
    'all operations at once arrive on both targets',
    async () => {
      const { source, targets, policyId } = await policyOver('at-once', () => undefined, EVERYTHING)
      await fleet.converged(policyId)
      const at = (name: string) =>
        Buffer.concat([Buffer.from(`${source}/`), Buffer.from(name, 'latin1')])
      for (const [, run] of OPERATIONS) run(at)
      await arrives(source, targets, MINUTE_MS)
    },
    2 * MINUTE_MS,
  )
})
