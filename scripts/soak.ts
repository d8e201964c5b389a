// A random workload against the executables, with agents killed meanwhile; in the end the trees must be identical.
//   bun run soak [--seed N] [--seeds N] [--operations N] [--kills N]
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { rsyncDifferences } from '../test/e2e/rsync.ts'
import { Fleet } from './fleet/fleet.ts'
import { distribute, folderOf } from './fleet/policy.ts'
import { seededRandom } from './fleet/random-tree.ts'
import { waitFor } from './fleet/wait.ts'
import { Workload } from './soak/workload.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    operations: { type: 'string', default: '200000' },
    kills: { type: 'string', default: '12' },
  },
})
/** Others have their turn after so many operations. */
const BREATH = 40
const REST_MS = 300_000
const ENDED: ReadonlySet<string> = new Set(['done', 'failed', 'partial', 'cancelled'])

const failed: number[] = []
const first = Number(values.seed)
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const startedAt = performance.now()
  const differences = await run(seed)
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`seed ${seed}: ${differences.length} differences, ${seconds} s`)
  for (const line of differences.slice(0, 20)) console.log(`  ${line}`)
  if (differences.length > 0) failed.push(seed)
}
console.log(failed.length === 0 ? 'all trees are identical' : `failed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)

async function run(seed: number): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'cd-soak-'))
  const fleet = new Fleet(directory)
  let differences: string[] = ['nothing was compared']
  try {
    const random = seededRandom(seed)
    const { policyId, source, target } = await prepare(fleet)
    await work(fleet, source, random)
    await synced(fleet, policyId)
    await fleet.converged(policyId, REST_MS)
    differences = rsyncDifferences(source, target)
    return differences
  } finally {
    await fleet.stop()
    if (differences.length === 0) rmSync(directory, { recursive: true, force: true })
    else console.log(`seed ${seed}: everything is left in ${directory}`)
  }
}

async function prepare(fleet: Fleet) {
  await fleet.initialize()
  await fleet.startMaster()
  const group = await fleet.addGroup('one')
  const from = await fleet.addAgent('source', group)
  const to = await fleet.addAgent('target', group)
  const [source, target] = [folderOf(fleet, from, 'tree'), folderOf(fleet, to, 'tree')]
  for (const folder of [source, target]) mkdirSync(folder, { recursive: true })
  // Whole folders leave all the time here, and nobody is there to be asked.
  const more = { maxDelete: { count: null, percent: null } }
  const policyId = await distribute(fleet, {
    name: 'soak',
    source: from,
    targets: [to],
    folder: 'tree',
    more,
  })
  return { policyId, source, target }
}

/** Waits until the target holds all that is on the source's disk now, what detection has not come to yet as well. */
async function synced(fleet: Fleet, policyId: string): Promise<void> {
  const ended = async (jobId: string) => {
    const { state } = await fleet.api.get<{ state: string }>(`/jobs/${jobId}`)
    return ENDED.has(state) ? state : null
  }
  const sync = async () => {
    const { jobId } = await fleet.api.post<{ jobId: string }>(`/policies/${policyId}/sync`, {})
    return (await waitFor('the sync to end', () => ended(jobId), REST_MS)) === 'done'
  }
  // The last kill may be the reason why one fails.
  await waitFor('a sync that ends well', sync, REST_MS)
}

async function work(fleet: Fleet, source: string, random: () => number): Promise<void> {
  const workload = new Workload(source, seededRandom(random() * 2 ** 31))
  const operations = Number(values.operations)
  const kills = Number(values.kills)
  const atOnce: Promise<void>[] = []
  for (let done = 0; done < operations; done++) {
    workload.next()
    if (done % BREATH === 0) await Bun.sleep(random() * 4)
    if (done % Math.ceil(operations / kills) === 0) atOnce.push(kill(fleet, random))
  }
  await Promise.all(atOnce)
}

/** Kills one of the processes at any moment, and starts it again after a while. */
async function kill(fleet: Fleet, random: () => number): Promise<void> {
  await Bun.sleep(random() * 500)
  const victims = [fleet.master, ...fleet.agents.map((agent) => agent.process)]
  const victim = victims[Math.floor(random() * victims.length)]
  if (victim?.running !== true) return
  await victim.stop('SIGKILL')
  await Bun.sleep(random() * 1500)
  victim.start()
}
