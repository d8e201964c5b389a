import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { unionDifferences } from '../../scripts/fleet/union-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'

const MINUTE_MS = 60_000

describe('three sources into two targets', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-e2e-'))
  const fleet = new Fleet(directory)
  let policyId = ''
  let sources: string[] = []
  let targets: string[] = []

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    for (const name of ['one', 'two', 'three', 'left', 'right']) await fleet.addAgent(name, group)
    const folders = fleet.agents.map((agent) => folderOf(fleet, agent, 'tree'))
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    sources = folders.slice(0, 3)
    targets = folders.slice(3)
    for (const target of targets) write(target, '.env', 'of the target')
    for (const target of targets) write(target, 'uploads/a', 'of its users')
    policyId = await distribute(fleet, {
      name: 'union',
      source: fleet.agents.slice(0, 3),
      targets: fleet.agents.slice(3),
      folder: 'tree',
      more: {
        filter: { include: [], exclude: ['^\\.env$', '^uploads/'], deleteExcluded: false },
        maxDelete: { count: null, percent: null },
      },
    })
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  function write(root: string, path: string, content: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }

  /** Gives a source its version of a path that others have too. */
  function contest(root: string, content: string, atS: number): void {
    write(root, 'contested', content)
    utimesSync(join(root, 'contested'), atS, atS)
  }

  /** What the targets have of their own is not in any source. */
  const differences = (target: string) =>
    unionDifferences(sources, target).filter((line) => !/^(\.env|uploads)\b/.test(line))

  async function arrives(): Promise<void> {
    for (const target of targets) {
      await waitFor(`${target} to hold the union`, () => differences(target).length === 0).catch(
        () => expect(differences(target)).toEqual([]),
      )
      expect(readFileSync(join(target, '.env'), 'utf8')).toBe('of the target')
      expect(readFileSync(join(target, 'uploads/a'), 'utf8')).toBe('of its users')
    }
    await fleet.converged(policyId)
  }

  const [one, two, three] = [() => sources[0] ?? '', () => sources[1] ?? '', () => sources[2] ?? '']

  test(
    'targets hold the union; the newest version of a path stands',
    async () => {
      write(one(), 'only/one', '1')
      write(three(), 'kept', 'of the last')
      write(two(), 'only/two', '2')
      write(three(), 'only/three', '3')
      for (const source of sources) write(source, 'same', 'the same everywhere')
      contest(one(), 'old', 1_700_000_001)
      contest(two(), 'new', 1_700_000_002)
      await arrives()
      expect(readFileSync(join(targets[0] ?? '', 'contested'), 'utf8')).toBe('new')
      const { targets: told } = await fleet.api.get<{
        targets: { notes: { code: string; count: number }[] }[]
      }>(`/policies/${policyId}/convergence`)
      for (const { notes } of told)
        expect(notes).toContainEqual(expect.objectContaining({ code: 'CONFLICT', count: 1 }))
    },
    MINUTE_MS,
  )

  test(
    'a path goes when no source has it any more',
    async () => {
      rmSync(join(one(), 'same'))
      rmSync(join(two(), 'contested'))
      await arrives()
      expect(readFileSync(join(targets[1] ?? '', 'contested'), 'utf8')).toBe('old')
      for (const source of sources) rmSync(join(source, 'same'), { force: true })
      rmSync(join(three(), 'only'), { recursive: true })
      await arrives()
    },
    MINUTE_MS,
  )

  test(
    'a source that leaves the policy leaves its files, and what it stood before comes',
    async () => {
      contest(one(), 'of the first', 1_700_000_003)
      contest(three(), 'of the last', 1_700_000_004)
      await arrives()
      const { sources: told } = await fleet.api.get<{ sources: object[] }>(`/policies/${policyId}`)
      await fleet.api.patch(`/policies/${policyId}`, { sources: told.slice(0, 2) })
      for (const target of targets)
        await waitFor('the other version', () => {
          return readFileSync(join(target, 'contested'), 'utf8') === 'of the first'
        })
      for (const target of targets)
        expect(readFileSync(join(target, 'kept'), 'utf8')).toBe('of the last')
    },
    MINUTE_MS,
  )
})
