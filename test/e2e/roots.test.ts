import { afterAll, beforeAll, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Convergence, Fleet } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { makeRandomTree } from '../../scripts/fleet/random-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { describeMounting, mount } from '../platform/mounts.ts'

const MINUTE_MS = 60_000
const FILES = 100

/** A root that may read only what its mode lets its owner read. */
const ORDINARY = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search']

interface Scene {
  readonly policyId: string
  readonly source: string
  readonly target: string
}

describeMounting('folders of a fleet that are lost', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-roots-'))
  const fleet = new Fleet(directory)
  const mounted: string[] = []

  beforeAll(async () => {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    await fleet.addAgent('source', group, { host: '127.0.0.1', wrapper: ORDINARY })
    await fleet.addAgent('target', group)
  }, MINUTE_MS)

  afterAll(async () => {
    await fleet.stop()
    for (const path of mounted) Bun.spawnSync(['umount', '-l', path])
    rmSync(directory, { recursive: true, force: true })
  }, MINUTE_MS)

  const agent = (index: 0 | 1) => {
    const found = fleet.agents[index]
    if (found === undefined) throw new Error(`no agent ${index}`)
    return found
  }
  const bind = (path: string) => {
    mkdirSync(`${path}.real`, { recursive: true })
    mount('mount', '--bind', `${path}.real`, path)
    mounted.push(path)
  }

  /** A policy over two bind mounts, whose files have arrived. */
  async function open(folder: string): Promise<Scene> {
    const [source, target] = [folderOf(fleet, agent(0), folder), folderOf(fleet, agent(1), folder)]
    for (const path of [source, target]) {
      mkdirSync(path, { recursive: true })
      bind(path)
    }
    makeRandomTree(source, FILES)
    const roots = { source: agent(0), targets: [agent(1)], folder }
    const policyId = await distribute(fleet, { name: folder, ...roots })
    await fleet.converged(policyId)
    return { policyId, source, target }
  }

  const convergence = ({ policyId }: Scene) =>
    fleet.api.get<Convergence>(`/policies/${policyId}/convergence`)
  const filesAt = (path: string) =>
    readdirSync(path, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length

  async function flows({ source, target, policyId }: Scene, name: string): Promise<void> {
    writeFileSync(join(source, name), 'all flows again')
    await waitFor(`${name} to arrive`, () => existsSync(join(target, name)))
    await fleet.converged(policyId)
  }

  /** Stops the agent, does something, starts it; or does it while the agent runs. */
  async function around(when: string, index: 0 | 1, act: () => void): Promise<void> {
    if (when === 'running') return act()
    await agent(index).process.stop()
    act()
    await fleet.startAgent(agent(index))
  }

  test.each(['running', 'down'])(
    'a source that is unmounted, its agent %s: no target loses a file, and all flows when it is back',
    async (when) => {
      const scene = await open(`source-${when}`)
      await around(when, 0, () => mount('umount', '-l', scene.source))
      await waitFor('the loss to be told', async () => {
        const { converged, targets } = await convergence(scene)
        return !converged && targets[0]?.state === 'held'
      })
      expect(filesAt(scene.target)).toBe(FILES)
      bind(scene.source)
      await flows(scene, 'back')
      expect(filesAt(scene.target)).toBe(FILES + 1)
    },
    MINUTE_MS,
  )

  test.each(['running', 'down'])(
    'a source that may not be read, its agent %s: no target loses a file, and all flows when it may',
    async (when) => {
      const scene = await open(`unreadable-${when}`)
      await around(when, 0, () => chmodSync(scene.source, 0))
      await waitFor('the gap to be told', async () => {
        const { converged, sources } = await convergence(scene)
        return !converged && (sources[0]?.gaps.length ?? 0) > 0
      })
      expect(filesAt(scene.target)).toBe(FILES)
      chmodSync(scene.source, 0o755)
      await flows(scene, 'readable')
      expect(filesAt(scene.target)).toBe(FILES + 1)
    },
    MINUTE_MS,
  )

  test.each(['running', 'down'])(
    'a target that is unmounted, its agent %s: nothing is written beneath, and all flows when it is back',
    async (when) => {
      const scene = await open(`target-${when}`)
      await around(when, 1, () => mount('umount', '-l', scene.target))
      writeFileSync(join(scene.source, 'meanwhile'), 'waits')
      await waitFor('the loss to be told', async () => {
        const [target] = (await convergence(scene)).targets
        return target?.state === 'held' || target?.state === 'failed'
      })
      expect(readdirSync(scene.target)).toEqual([])
      bind(scene.target)
      await waitFor('what waited to arrive', () => existsSync(join(scene.target, 'meanwhile')))
      await flows(scene, 'back')
      expect(filesAt(scene.target)).toBe(FILES + 2)
    },
    MINUTE_MS,
  )
})
