import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, openSync, closeSync, rmSync, writeSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet, type FleetAgent } from '../../scripts/fleet/fleet.ts'
import { makeRandomTree } from '../../scripts/fleet/random-tree.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { describeMounting, mount } from '../platform/mounts.ts'
import { RelayScene, syncServerPid } from './relay-scene.ts'

// Trees of relays through a real master: executables alone, TLS, real disks.

const MINUTE_MS = 60_000
setDefaultTimeout(3 * MINUTE_MS)

const MIB = 1 << 20
const NEAR = ['near-1', 'near-2', 'near-3', 'near-4'] as const

const directory = mkdtempSync(join(tmpdir(), 'cd-relays-'))
const fleet = new Fleet(directory)
let source: FleetAgent
let near: FleetAgent[]
let far: FleetAgent[]

beforeAll(async () => {
  await fleet.initialize()
  await fleet.startMaster()
  const [home, abroad] = [await fleet.addGroup('home'), await fleet.addGroup('abroad', 'overseas')]
  source = await fleet.addAgent('source', home)
  near = []
  for (const name of NEAR) near.push(await fleet.addAgent(name, home))
  far = []
  for (const name of ['far-1', 'far-2']) far.push(await fleet.addAgent(name, abroad))
}, 2 * MINUTE_MS)

afterAll(async () => {
  await fleet.stop()
  rmSync(directory, { recursive: true, force: true })
}, MINUTE_MS)

/** A policy over the targets of the source's group whose first file is on its way through all of them. */
async function underWay(name: string, mib: number, rateMibPerS: number) {
  const order = { name, source, targets: near, rateMibPerS }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('large', mib))
  const chain = await scene.chain()
  const last = chain.at(-1)
  if (last === undefined) throw new Error('no chain')
  await scene.staged(last)
  return { scene, chain }
}

function at(chain: readonly FleetAgent[], index: number): FleetAgent {
  const agent = chain[index]
  if (agent === undefined) throw new Error(`no target ${index}`)
  return agent
}

test('a large file goes down a chain of four: the source sends it once, and all have it', async () => {
  const order = { name: 'chain', source, targets: near }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('large', 32))
  const chain = await scene.chain()
  await scene.converged()
  await scene.identical(near)
  const [job] = await scene.jobs()
  expect(await scene.ways(job)).toEqual(
    Object.fromEntries(
      chain.map((agent, index) => [agent.name, (chain[index - 1] ?? source).name]),
    ),
  )
  expect((await scene.egressBytes()) / (32 * MIB)).toBeWithin(1, 1.05)
})

test('another region is entered once', async () => {
  const targets = [...near.slice(0, 2), ...far]
  const order = { name: 'regions', source, targets }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('large', 16))
  await scene.converged()
  await scene.identical(targets)
  const ways = await scene.ways((await scene.jobs())[0])
  const ofFar = far.map((agent) => ways[agent.name])
  expect(ofFar.filter((via) => via === 'source')).toHaveLength(1)
  expect(ofFar.some((via) => far.some((agent) => agent.name === via))).toBe(true)
  expect((await scene.egressBytes()) / (2 * 16 * MIB)).toBeWithin(1, 1.05)
  // A small change too, while the near ones get it directly.
  scene.writeText('small', 'a small change')
  await scene.identical(targets)
  await scene.converged()
  const small = await scene.ways((await scene.jobs()).at(-1))
  const senders = targets.map((agent) => small[agent.name])
  expect(senders.filter((via) => via === 'source')).toHaveLength(3)
})

test('a manual route is the way that content takes', async () => {
  const [one, two, three] = [at(near, 0), at(near, 1), at(far, 0)]
  const targets = [one, two, three]
  const order = {
    name: 'manual',
    source,
    targets,
    chains: [
      [three, one],
      [three, two],
    ],
  }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('large', 4))
  await scene.converged()
  await scene.identical(targets)
  expect(await scene.ways((await scene.jobs())[0])).toEqual({
    [three.name]: 'source',
    [one.name]: three.name,
    [two.name]: three.name,
  })
})

test('small files and changes of a large one go through a chain as well', async () => {
  const order = { name: 'patch', source, targets: near, method: 'patch' } as const
  const scene = await RelayScene.open(fleet, order, (opened) => {
    makeRandomTree(join(opened.folder(source), 'small'), 2000)
    opened.write('large', 12)
  })
  await scene.converged()
  await scene.identical(near)
  const before = await scene.jobs()
  const file = openSync(join(scene.folder(source), 'large'), 'r+')
  for (const position of [1, 5, 9]) writeSync(file, Buffer.from('changed'), 0, 7, position * MIB)
  closeSync(file)
  await scene.identical(near)
  await scene.converged()
  const after = (await scene.jobs()).slice(before.length)
  const targets = after.flatMap((job) => job.targets)
  expect(new Set(targets.map(({ via }) => via)).size).toBeGreaterThan(1)
  for (const target of near) {
    const own = targets.filter(({ serverId }) => serverId === target.serverId)
    const bytes = own.reduce((sum, { bytesOnWire }) => sum + bytesOnWire, 0)
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(MIB)
  }
})

test.each<[string, (relay: FleetAgent) => Promise<void>]>([
  [
    'the Sync Server of a relay',
    async (relay) => void process.kill(syncServerPid(relay), 'SIGKILL'),
  ],
  [
    'a relay with its agent',
    async (relay) => {
      await relay.process.stop('SIGKILL')
    },
  ],
])(
  'kill -9 of %s in mid-transfer: nothing is lost below it, and it catches up',
  async (what, kill) => {
    const { scene, chain } = await underWay(what.replaceAll(' ', '-'), 48, 8)
    const relay = at(chain, 0)
    await kill(relay)
    await scene.identical(chain.slice(1))
    if (!relay.process.running) await fleet.startAgent(relay)
    await scene.identical(chain)
    await scene.converged()
  },
)

test('a relay in the middle that is stuck is left out; the others go on, and it too when it goes on', async () => {
  const { scene, chain } = await underWay('stuck', 48, 8)
  const pid = syncServerPid(at(chain, 1))
  process.kill(pid, 'SIGSTOP')
  try {
    await scene.identical([0, 2, 3].map((index) => at(chain, index)))
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await scene.identical(chain)
  await scene.converged()
})

test('the first relay is stuck: the source notices, and serves the others', async () => {
  const { scene, chain } = await underWay('stuck-first', 48, 8)
  const pid = syncServerPid(at(chain, 0))
  process.kill(pid, 'SIGSTOP')
  try {
    await scene.identical(chain.slice(1))
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await scene.identical(chain)
  await scene.converged()
})

test('a slow child does not keep its relay from being done, nor the source', async () => {
  const slow = {
    scope: { from: at(near, 2).serverId, to: at(near, 3).serverId },
    rateBytesPerS: MIB,
  }
  const targets = near.slice(2)
  // A plan of its own making may go the other way round, by what weighs on each.
  const order = { name: 'slow', source, targets, hops: [slow], chains: [targets] }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('large', 12))
  await scene.identical(targets.slice(0, 1))
  const ended = await waitFor('the end of the first', async () => {
    const [job] = await scene.jobs()
    const states = new Map(job?.targets.map(({ serverId, state }) => [serverId, state]))
    const [first, second] = targets.map(({ serverId }) => states.get(serverId))
    return first === 'done' && { second }
  })
  expect(ended.second).toBe('running')
  // The relay's next change does not wait either.
  scene.writeText('small', 'meanwhile')
  await waitFor('the small change', () =>
    Bun.file(join(scene.folder(at(targets, 0)), 'small')).exists(),
  )
  expect((await scene.jobs())[0]?.state).toBe('running')
  await scene.identical(targets)
  await scene.converged()
})

test('small changes trickle in while a large file is on its way: all end the same', async () => {
  const { scene } = await underWay('trickle', 48, 8)
  for (let index = 0; index < 60; index++) {
    scene.writeText(`small-${index % 20}`, `change ${index}`)
    await Bun.sleep(50)
  }
  await scene.converged()
  await scene.identical(near)
})

test('a target that was away, and one that is new, join those that were there', async () => {
  const order = { name: 'joining', source, targets: near }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('first', 12))
  await scene.converged()
  const away = at(near, 1)
  await away.process.stop('SIGKILL')
  scene.write('second', 12)
  await scene.identical(near.filter((agent) => agent !== away))
  await fleet.startAgent(away)
  await scene.converged()
  scene.write('third', 12)
  await scene.identical(near)
  await scene.converged()
  const last = await scene.ways((await scene.jobs()).at(-1))
  // All stand at the same place again, so that one stream serves them.
  expect(Object.values(last).filter((via) => via === 'source')).toHaveLength(1)
  const newcomer = at(far, 0)
  mkdirSync(scene.folder(newcomer), { recursive: true })
  const path = `/policies/${scene.policyId}`
  const policy = await fleet.api.get<{ targets: readonly object[] }>(path)
  const added = { serverId: newcomer.serverId, path: scene.folder(newcomer) }
  await fleet.api.patch(path, { targets: [...policy.targets, added] })
  await scene.identical([newcomer])
  await scene.converged()
})

describeMounting('a full disk', () => {
  test('on one target keeps nothing from the others, who get it through that one', async () => {
    const full = at(near, 0)
    const image = join(directory, 'small.img')
    const order = { name: 'full', source, targets: near }
    const mounted = { path: '' }
    try {
      const scene = await RelayScene.open(fleet, order, (opened) => {
        mounted.path = opened.folder(full)
        mount('truncate', '-s', '16M', image)
        mount('mkfs.ext4', '-q', '-m', '0', image)
        mount('mount', '-o', 'loop', image, mounted.path)
        rmSync(join(mounted.path, 'lost+found'), { recursive: true, force: true })
        opened.write('large', 32)
        opened.writeText('small', 'this has room')
      })
      await scene.identical(near.filter((agent) => agent !== full))
      const [job] = await scene.jobs()
      const { targets = [] } = job ?? {}
      expect(targets.find(({ serverId }) => serverId === full.serverId)?.entriesFailed).toBe(1)
      expect(Object.values(await scene.ways(job)).filter((via) => via === full.name)).toHaveLength(
        1,
      )
      await waitFor('the rest', () => Bun.file(join(mounted.path, 'small')).exists())
      await fleet.api.delete(`/policies/${scene.policyId}`)
    } finally {
      await waitFor('the disk to be let go', () => {
        return Bun.spawnSync(['umount', mounted.path]).exitCode === 0
      })
    }
  })
})
