import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet, type FleetAgent } from '../../scripts/fleet/fleet.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'
import { RelayScene, syncServerPid } from './relay-scene.ts'

// What a person says holds for what is on its way too: pause, drain, revoke.

const MINUTE_MS = 60_000
setDefaultTimeout(2 * MINUTE_MS)

const PAUSED_WITHIN_MS = 2000
const SHUT_OUT_WITHIN_MS = 5000

const directory = mkdtempSync(join(tmpdir(), 'cd-shut-out-'))
const fleet = new Fleet(directory)
let source: FleetAgent
let targets: FleetAgent[]

beforeAll(async () => {
  await fleet.initialize()
  await fleet.startMaster()
  const home = await fleet.addGroup('home')
  source = await fleet.addAgent('source', home)
  targets = []
  for (const name of ['one', 'two', 'three']) targets.push(await fleet.addAgent(name, home))
}, 2 * MINUTE_MS)

afterAll(async () => {
  await fleet.stop()
  rmSync(directory, { recursive: true, force: true })
}, MINUTE_MS)

/** A policy whose first file is on its way through all targets, in a chain. */
async function underWay(name: string, rateMibPerS = 4) {
  const order = { name, source, targets, rateMibPerS }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('large', 48))
  const chain = await scene.chain()
  const last = chain.at(-1)
  if (last === undefined) throw new Error('no chain')
  await scene.staged(last)
  return { scene, chain }
}

/** Bytes that lie in a scene's folders on all targets. */
function received(scene: RelayScene): number {
  const sizes = targets.map((target) => {
    const { stdout } = Bun.spawnSync(['du', '-sb', '--apparent-size', scene.folder(target)])
    return Number(stdout.toString().split('\t')[0])
  })
  return sizes.reduce((sum, size) => sum + size, 0)
}

test('a paused policy moves nothing more after two seconds, and goes on from there', async () => {
  const { scene } = await underWay('pause')
  await fleet.api.post(`/policies/${scene.policyId}/pause`, { reason: 'maintenance' })
  await Bun.sleep(PAUSED_WITHIN_MS)
  const then = received(scene)
  await Bun.sleep(2000)
  expect(received(scene)).toBe(then)
  await fleet.api.post(`/policies/${scene.policyId}/resume`, {})
  await scene.identical(targets)
  await scene.converged()
})

test('a drained server gets nothing and passes nothing on, until it is active again', async () => {
  const order = { name: 'drain', source, targets }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('first', 12))
  await scene.converged()
  const [first, ...others] = await scene.chain()
  if (first === undefined) throw new Error('no chain')
  await fleet.api.patch(`/servers/${first.serverId}`, { mode: 'drained' })
  scene.write('second', 12)
  await scene.identical(others)
  const ways = await scene.ways((await scene.jobs()).at(-1))
  expect(Object.keys(ways).toSorted()).toEqual(others.map(({ name }) => name).toSorted())
  expect(Object.values(ways)).not.toContain(first.name)
  expect(await Bun.file(join(scene.folder(first), 'second')).exists()).toBe(false)
  await fleet.api.patch(`/servers/${first.serverId}`, { mode: 'active' })
  await scene.identical([first])
  await scene.converged()
})

/** What others hold open to a server's processes; what the system still has to deliver for them is nobody's any more. */
function heldOpen(pids: readonly number[]): string[] {
  const { stdout } = Bun.spawnSync(['ss', '-Htnp', 'state', 'established'])
  const lines = stdout.toString().split('\n')
  const isOwn = (line: string) => pids.some((pid) => line.includes(`pid=${pid},`))
  const ends = (line: string) => line.trim().split(/\s+/).slice(2, 4)
  const own = new Set(lines.filter(isOwn).map((line) => ends(line)[0]))
  return lines.filter((line) => line.includes('pid=') && !isOwn(line) && own.has(ends(line)[1]))
}

test('a revoked server is shut out everywhere within five seconds, though it does nothing for it itself', async () => {
  const { scene, chain } = await underWay('revoke')
  const revoked = chain[1]
  if (revoked === undefined) throw new Error('no chain')
  const others = chain.filter((one) => one !== revoked)
  const pids = [revoked.process.pid, syncServerPid(revoked)] as const
  expect(heldOpen(pids).length).toBeGreaterThan(2)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    await fleet.api.post(`/servers/${revoked.serverId}/revoke`, { reason: 'stolen' })
    const isShutOut = () => heldOpen(pids).length === 0
    await waitFor('all others to close', isShutOut, SHUT_OUT_WITHIN_MS).catch((thrown: unknown) => {
      throw new Error(`held open: ${heldOpen(pids).join('; ')}`, { cause: thrown })
    })
    await scene.identical(others)
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
  await waitFor('it to do without', async () => {
    const { state } = await fleet.api.get<{ state: string }>(`/servers/${revoked.serverId}`)
    return state === 'revoked' && heldOpen(pids).length === 0
  })
  expect(scene.isIdentical(revoked)).toBe(false)
})
