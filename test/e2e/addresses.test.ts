import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Fleet, type FleetAgent } from '../../scripts/fleet/fleet.ts'
import { freePort } from '../../scripts/fleet/wait.ts'
import { type FreezingLine, startFreezingLine } from '../fakes/freezing-line.ts'
import { RelayScene } from './relay-scene.ts'

// One target with an address for each scope, each by a line of its own, and a source in each distance from it.

const MINUTE_MS = 60_000
setDefaultTimeout(2 * MINUTE_MS)

const directory = mkdtempSync(join(tmpdir(), 'cd-addresses-'))
const fleet = new Fleet(directory)
const SCOPES = ['group', 'region', 'international'] as const
type Scope = (typeof SCOPES)[number]
const lines = new Map<Scope, FreezingLine>()
const sources = new Map<Scope, FleetAgent>()
let target: FleetAgent

beforeAll(async () => {
  await fleet.initialize()
  await fleet.startMaster()
  const home = await fleet.addGroup('home')
  const groups = {
    group: home,
    region: await fleet.addGroup('next'),
    international: await fleet.addGroup('far', 'overseas'),
  }
  const options = (port: number): string[] => {
    for (const scope of SCOPES) lines.set(scope, startFreezingLine(port))
    // The first of them leads nowhere: whoever comes to it takes the next.
    const deaf = `group=127.0.0.1:${freePort()}`
    const own = [...lines].map(([scope, line]) => `${scope}=127.0.0.1:${line.port}`)
    return [deaf, ...own].flatMap((address) => ['--advertise', address])
  }
  target = await fleet.addAgent('target', home, { host: '127.0.0.1', wrapper: [], options })
  for (const scope of SCOPES) sources.set(scope, await fleet.addAgent(scope, groups[scope]))
}, MINUTE_MS)

afterAll(async () => {
  await fleet.stop()
  for (const line of lines.values()) line.stop()
  rmSync(directory, { recursive: true, force: true })
}, MINUTE_MS)

const counts = () => SCOPES.map((scope) => lines.get(scope)?.connectionCount ?? 0)

async function distributeFrom(scope: Scope): Promise<RelayScene> {
  const source = sources.get(scope)
  if (source === undefined) throw new Error(`no source in the ${scope}`)
  const order = { name: `from-${scope}`, source, targets: [target] }
  const scene = await RelayScene.open(fleet, order, (opened) => opened.write('file', 1))
  await scene.identical([target])
  await scene.converged()
  return scene
}

test('each sender takes the address for its distance, and the next where that leads nowhere', async () => {
  await distributeFrom('group')
  expect(counts()).toEqual([1, 0, 0])
  await distributeFrom('region')
  expect(counts()).toEqual([1, 1, 0])
  const scene = await distributeFrom('international')
  expect(counts()).toEqual([1, 1, 1])
  lines.get('international')?.stop()
  scene.writeText('later', 'by another address')
  await scene.identical([target])
  const [group = 0, region = 0, international = 0] = counts()
  expect(group + region).toBeGreaterThan(2)
  expect(international).toBe(1)
})
