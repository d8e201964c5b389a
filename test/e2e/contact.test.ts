import { afterAll, beforeAll, expect, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { makeRandomTree } from '../../scripts/fleet/random-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { describeWith, rsyncDifferences } from './rsync.ts'

const MINUTE_MS = 60_000

interface HeldItem {
  readonly id: string
  readonly targets: readonly { readonly serverId: string }[]
  readonly hold: {
    readonly code: string
    readonly fingerprint: string
    readonly clearsItself: boolean
    readonly preview: { readonly deletes: number; readonly updates: number }
  } | null
}

function filesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).length
}

describeWith(['rsync'], 'what only a person decides, through the executables', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-contact-'))
  const fleet = new Fleet(directory)

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('web')
    for (const name of ['source', 'target-1', 'target-2']) await fleet.addAgent(name, group)
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  /** A policy over a folder of each host; gives the source's path, the targets' paths and the policy's id. */
  async function policyOver(folder: string, fill: (source: string) => void) {
    const [source = '', ...targets] = fleet.agents.map((agent) => folderOf(fleet, agent, folder))
    for (const path of [source, ...targets]) mkdirSync(path, { recursive: true })
    fill(source)
    const [from, ...to] = fleet.agents
    if (from === undefined) throw new Error('the fleet has no source')
    const roots = { source: from, targets: to, folder }
    return { source, targets, policyId: await distribute(fleet, { name: folder, ...roots }) }
  }

  async function arrives(source: string, target: string) {
    const isThere = () => rsyncDifferences(source, target).length === 0
    await waitFor(`${target} to equal the source`, isThere)
  }

  async function heldJobs(policyId: string): Promise<readonly HeldItem[]> {
    return (await fleet.api.get<{ items: HeldItem[] }>(`/jobs?policyId=${policyId}&state=held`))
      .items
  }

  /** The job that asks about what one of the hosts holds. */
  async function askedOf(policyId: string, host: number): Promise<HeldItem | undefined> {
    const serverId = fleet.agents[host]?.serverId
    return (await heldJobs(policyId)).find(({ targets: [one] }) => one?.serverId === serverId)
  }

  test(
    'what lies at a target before goes or stays as somebody says',
    async () => {
      const paths = fleet.agents.map((agent) => folderOf(fleet, agent, 'strange'))
      for (const path of paths.slice(1)) {
        mkdirSync(join(path, 'own'), { recursive: true })
        writeFileSync(join(path, 'own/file'), 'of this host')
        writeFileSync(join(path, 'index'), 'of this host as well')
      }
      const { source, targets, policyId } = await policyOver('strange', (folder) => {
        makeRandomTree(folder, 100)
        writeFileSync(join(folder, 'index'), 'of the source')
      })
      const [first = '', second = ''] = targets
      await waitFor('both to ask, and all else to be there', async () => {
        const isAsked = (await heldJobs(policyId)).length === 2
        return isAsked && targets.every((target) => filesBelow(target) === 102)
      })
      expect((await heldJobs(policyId))[0]?.hold?.preview).toMatchObject({ deletes: 1, updates: 1 })
      const yes = await askedOf(policyId, 1)
      await fleet.api.post(`/jobs/${yes?.id}/approve`, { fingerprint: yes?.hold?.fingerprint })
      await arrives(source, first)
      await fleet.api.post(`/jobs/${(await askedOf(policyId, 2))?.id}/cancel`, {})
      await fleet.converged(policyId)
      writeFileSync(join(source, 'index'), 'of the source, again')
      await arrives(source, first)
      await fleet.converged(policyId)
      expect(readFileSync(join(second, 'index'), 'utf8')).toBe('of this host as well')
      expect(readFileSync(join(second, 'own/file'), 'utf8')).toBe('of this host')
    },
    2 * MINUTE_MS,
  )

  test(
    'another folder in the place of a target is held, and goes on by itself when the known one is back',
    async () => {
      const { source, targets, policyId } = await policyOver('swapped', (folder) =>
        makeRandomTree(folder, 50),
      )
      const [first = '', second = ''] = targets
      await fleet.converged(policyId)
      renameSync(first, `${first}-away`)
      mkdirSync(first)
      writeFileSync(join(source, 'new'), 'for both')
      await waitFor('it to be held', async () => {
        const { hold = null } = (await askedOf(policyId, 1)) ?? {}
        return hold?.code === 'ROOT_CHANGED' && hold.clearsItself
      })
      await arrives(source, second)
      expect(readdirSync(first)).toEqual([])
      rmSync(first, { recursive: true })
      renameSync(`${first}-away`, first)
      await arrives(source, first)
      await fleet.converged(policyId)
      expect(await heldJobs(policyId)).toEqual([])
    },
    2 * MINUTE_MS,
  )

  test(
    'another folder in the place of a source is held; once it is accepted, what it lacks is asked about',
    async () => {
      const { source, targets, policyId } = await policyOver('replaced', (folder) =>
        makeRandomTree(folder, 50),
      )
      await fleet.converged(policyId)
      renameSync(source, `${source}-away`)
      mkdirSync(source)
      writeFileSync(join(source, 'other'), 'another tree')
      const held = async (code: string) =>
        (await heldJobs(policyId)).filter(({ hold }) => hold?.code === code)
      await waitFor('it to be held', async () => (await held('ROOT_CHANGED')).length === 1)
      const [asked] = await held('ROOT_CHANGED')
      await fleet.api.post(`/jobs/${asked?.id}/approve`, { fingerprint: asked?.hold?.fingerprint })
      const isThere = (target: string) => filesBelow(target) === 51
      await waitFor('what is new there', () => targets.every(isThere))
      await waitFor('what it lacks to be held', async () => (await heldJobs(policyId)).length > 0)
      for (const target of targets) expect(filesBelow(target)).toBe(51)
    },
    2 * MINUTE_MS,
  )
})
