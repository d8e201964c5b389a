import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { compareTrees } from '../../scripts/fleet/compare-trees.ts'
import { type Convergence, Fleet, type FleetAgent } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'

const MINUTE_MS = 60_000
const CHANGES = 1000

interface Jobs {
  readonly items: readonly {
    readonly kind: string
    readonly startedAt: string
    readonly targets: readonly {
      readonly serverId: string
      readonly via: string | null
      readonly why: string | null
      readonly state: string
      readonly entriesApplied: number
    }[]
  }[]
}

// The source is in another region than the two targets: what one of them holds is nearer to the other.
describe('a target that was away', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-recovery-'))
  const fleet = new Fleet(directory)

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    await fleet.addAgent('source', await fleet.addGroup('home'))
    const far = await fleet.addGroup('far', 'far')
    for (const name of ['near', 'late']) await fleet.addAgent(name, far)
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  const agent = (index: 0 | 1 | 2): FleetAgent => {
    const found = fleet.agents[index]
    if (found === undefined) throw new Error(`no agent ${index}`)
    return found
  }

  /** A policy over a folder of its own, of which everything has arrived. */
  async function open(folder: string, recovery: unknown) {
    const [source, near, late] = [agent(0), agent(1), agent(2)]
    const pathOf = (one: FleetAgent) => folderOf(fleet, one, folder)
    for (const one of [source, near, late]) mkdirSync(pathOf(one), { recursive: true })
    const write = (name: string) => {
      for (let index = 0; index < CHANGES; index++)
        writeFileSync(join(pathOf(source), `${name}-${index}`), `${name} ${index}`)
    }
    writeFileSync(join(pathOf(source), 'first'), 'first')
    const order = { name: folder, source, targets: [near, late], folder, more: { recovery } }
    const policyId = await distribute(fleet, order)
    await fleet.converged(policyId)
    const convergence = () => fleet.api.get<Convergence>(`/policies/${policyId}/convergence`)
    const stateOf = async (one: FleetAgent) => {
      const { targets } = await convergence()
      return targets.find(({ serverId }) => serverId === one.serverId)
    }
    const reaches = async (one: FleetAgent, state: string) => {
      await waitFor(`${one.name} to be ${state}`, async () => (await stateOf(one))?.state === state)
    }
    const isLike = (one: FleetAgent, other: FleetAgent) =>
      compareTrees(pathOf(one), pathOf(other)).length === 0
    const becomesLike = async (one: FleetAgent, other: FleetAgent) => {
      await waitFor(`${one.name} to be like ${other.name}`, () => isLike(one, other))
    }
    const holds = (one: FleetAgent, name: string) => existsSync(join(pathOf(one), name))
    /** What was sent to the late one, newest first. */
    const sent = async () => {
      const { items } = await fleet.api.get<Jobs>(`/jobs?policyId=${policyId}&limit=50`)
      return items.flatMap(({ kind, startedAt, targets }) =>
        targets
          .filter(({ serverId }) => serverId === late.serverId)
          .map((target) => ({ kind, startedAt, ...target })),
      )
    }
    return { policyId, source, near, late, write, stateOf, reaches, becomesLike, holds, sent }
  }

  test.each(['immediate', 'manual', 'reserved'])(
    'gets what it missed, and only that, from the nearest that has it: %s',
    async (mode) => {
      const first = mode === 'reserved' ? { mode: 'manual' } : { mode }
      const scene = await open(`recovery-${mode}`, first)
      const { policyId, near, late, write, reaches, becomesLike, holds, sent } = scene
      await late.process.stop()
      write('missed')
      await reaches(near, 'converged')
      const at = new Date(Date.now() + 6000).toISOString()
      if (mode === 'reserved')
        await fleet.api.patch(`/policies/${policyId}`, {
          recovery: { mode, schedule: { at } },
        })
      await fleet.startAgent(late)
      if (mode !== 'immediate') {
        await reaches(late, 'waiting')
        expect(holds(late, 'missed-0')).toBe(false)
      }
      if (mode === 'manual')
        await fleet.api.post(`/policies/${policyId}/sync`, { targets: [late.serverId] })
      await becomesLike(late, near)
      await fleet.converged(policyId)
      const [last] = await sent()
      const kind = mode === 'manual' ? 'manual' : 'recovery'
      // The folder itself changed as well.
      expect(last).toMatchObject({
        kind,
        via: near.serverId,
        why: 'from the nearest server that holds it',
        state: 'done',
        entriesApplied: CHANGES + 1,
      })
      if (mode === 'reserved') expect(last?.startedAt && last.startedAt >= at).toBe(true)
    },
    MINUTE_MS,
  )

  test(
    'gets from another target what that holds while the source is off, and the rest when it is back',
    async () => {
      const scene = await open('source-off', { mode: 'immediate' })
      const { source, near, late, write, stateOf, reaches, becomesLike, holds, sent } = scene
      await late.process.stop()
      write('held')
      await reaches(near, 'converged')
      await near.process.stop()
      write('missing')
      await waitFor('the source to tell its changes', async () => {
        const { appliedSeq = 0 } = (await stateOf(near)) ?? {}
        const { headSeq } = await fleet.api.get<Convergence>(
          `/policies/${scene.policyId}/convergence`,
        )
        return headSeq >= appliedSeq + CHANGES
      })
      await source.process.stop()
      for (const one of [near, late]) await fleet.startAgent(one)
      await becomesLike(late, near)
      expect(holds(late, 'held-0') && !holds(late, 'missing-0')).toBe(true)
      expect((await sent())[0]?.via).toBe(near.serverId)
      for (const one of [near, late])
        expect(await stateOf(one)).toMatchObject({
          state: 'behind',
          reason: { code: 'SOURCE_UNAVAILABLE' },
        })
      await fleet.startAgent(source)
      await fleet.converged(scene.policyId)
      await becomesLike(late, source)
    },
    MINUTE_MS,
  )
})
