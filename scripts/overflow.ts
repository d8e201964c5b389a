// Watchers driven beyond what the kernel's queue holds, with the executables; in the end the trees must be identical.
//   bun run overflow [--runs N] [--changes N] [--writes N] [--watcher kernel,parcel]
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { Fleet } from './fleet/fleet.ts'
import { distribute, folderOf } from './fleet/policy.ts'
import { type Watched, changeUnseen, differencesAfter } from './overflow/blind.ts'
import { makeFolders, storm, writeInTurns } from './overflow/storm.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    changes: { type: 'string', default: '100000' },
    writes: { type: 'string', default: '100000' },
    watcher: { type: 'string', default: 'kernel,parcel' },
  },
})
const REST_MS = 600_000

const directory = mkdtempSync(join(tmpdir(), 'cd-overflow-'))
const fleet = new Fleet(directory)
let failures = 0
try {
  const watched = await prepare()
  for (let run = 1; run <= Number(values.runs); run++)
    for (const [watcher, one] of watched) await runOne(watcher, one, run)
} catch (thrown) {
  console.error(thrown)
  failures++
} finally {
  await fleet.stop()
  if (failures === 0) rmSync(directory, { recursive: true, force: true })
  else console.log(`everything is left in ${directory}`)
}
console.log(failures === 0 ? 'nothing was missed' : `${failures} failed`)
process.exit(failures === 0 ? 0 : 1)

async function prepare(): Promise<Map<string, Watched>> {
  await fleet.initialize()
  await fleet.startMaster()
  const group = await fleet.addGroup('one')
  const to = await fleet.addAgent('target', group)
  const watched = new Map<string, Watched>()
  for (const watcher of values.watcher.split(',')) {
    const place = { host: '127.0.0.1', wrapper: [], options: ['--watcher', watcher] }
    const agent = await fleet.addAgent(watcher, group, place)
    const [source, target] = [folderOf(fleet, agent, watcher), folderOf(fleet, to, watcher)]
    for (const folder of [source, target]) mkdirSync(folder, { recursive: true })
    makeFolders(source)
    const more = { maxDelete: { count: null, percent: null } }
    const roots = { source: agent, targets: [to], folder: watcher }
    const policyId = await distribute(fleet, { name: watcher, ...roots, more })
    await fleet.converged(policyId)
    watched.set(watcher, { agent, policyId, source, target })
  }
  return watched
}

async function runOne(watcher: string, one: Watched, run: number): Promise<void> {
  const { source } = one
  const acts: Readonly<Record<string, () => void>> = {
    storm: () => storm(source, run, Number(values.changes)),
    turns: () => writeInTurns(source, `turns-${run}`, Number(values.writes)),
  }
  for (const [name, act] of Object.entries(acts)) {
    const startedMs = performance.now()
    const reason = await changeUnseen(fleet, one, act)
    const differences = await differencesAfter(fleet, one, REST_MS)
    const seconds = Math.round(performance.now() - startedMs) / 1000
    console.log(`${run} ${watcher} ${name}: ${seconds.toFixed(1)} s, gap: ${reason}`)
    for (const line of differences.slice(0, 20)) console.log(`  differs: ${line}`)
    if (differences.length > 0) failures++
  }
}
