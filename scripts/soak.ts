// A random workload against the executables, with agents killed meanwhile; in the end the trees must be identical.
//   bun run soak [--seed N] [--seeds N] [--operations N] [--kills N] [--sources N] [--targets N]
// With several sources the targets must hold their union, and what the targets have of their own must stay.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

import { rsyncDifferences } from '../test/e2e/rsync.ts'
import { Fleet } from './fleet/fleet.ts'
import { distribute, folderOf } from './fleet/policy.ts'
import { seededRandom } from './fleet/random-tree.ts'
import { unionDifferences } from './fleet/union-tree.ts'
import { waitFor } from './fleet/wait.ts'
import { Workload } from './soak/workload.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    operations: { type: 'string', default: '200000' },
    kills: { type: 'string', default: '12' },
    sources: { type: 'string', default: '1' },
    targets: { type: 'string', default: '1' },
  },
})
/** Others have their turn after so many operations. */
const BREATH = 40
const REST_MS = 300_000
/** What targets have of their own, which the filter leaves out. */
const OWN = ['.env', 'uploads/a']
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
    const scene = await prepare(fleet)
    const touched = await work(fleet, scene, random)
    await synced(fleet, scene.policyId)
    await fleet.converged(scene.policyId, REST_MS)
    differences = [...touched, ...scene.targets.flatMap((target) => compare(scene, target))]
    return differences
  } finally {
    await fleet.stop()
    if (differences.length === 0) rmSync(directory, { recursive: true, force: true })
    else console.log(`seed ${seed}: everything is left in ${directory}`)
  }
}

interface Scene {
  readonly policyId: string
  /** Folders. */
  readonly sources: readonly string[]
  readonly targets: readonly string[]
}

async function prepare(fleet: Fleet): Promise<Scene> {
  await fleet.initialize()
  await fleet.startMaster()
  const group = await fleet.addGroup('one')
  const counts = [Number(values.sources), Number(values.targets)] as const
  for (let one = 1; one <= counts[0]; one++) await fleet.addAgent(`source-${one}`, group)
  for (let one = 1; one <= counts[1]; one++) await fleet.addAgent(`target-${one}`, group)
  const folders = fleet.agents.map((agent) => folderOf(fleet, agent, 'tree'))
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  const [sources, targets] = [folders.slice(0, counts[0]), folders.slice(counts[0])]
  for (const target of targets)
    for (const path of OWN) {
      mkdirSync(dirname(join(target, path)), { recursive: true })
      writeFileSync(join(target, path), path)
    }
  const policyId = await distribute(fleet, {
    name: 'soak',
    source: fleet.agents.slice(0, counts[0]),
    targets: fleet.agents.slice(counts[0]),
    folder: 'tree',
    more: {
      filter: { include: [], exclude: ['^\\.env$', '^uploads/'], deleteExcluded: false },
      metadata: { hardLinks: true },
      // Whole folders leave all the time here, and nobody is there to be asked.
      maxDelete: { count: null, percent: null },
    },
  })
  return { policyId, sources, targets }
}

/** Changes the sources and kills processes; gives what of the targets' own was touched meanwhile. */
async function work(fleet: Fleet, scene: Scene, random: () => number): Promise<string[]> {
  const workloads = scene.sources.map(
    (source) => new Workload(source, seededRandom(random() * 2 ** 31)),
  )
  const operations = Number(values.operations)
  const kills = Number(values.kills)
  const atOnce: Promise<void>[] = []
  const touched = new Set<string>()
  for (let done = 0; done < operations; done++) {
    workloads[done % workloads.length]?.next()
    if (done % BREATH === 0) await Bun.sleep(random() * 4)
    if (done % (BREATH * 25) === 0)
      for (const target of scene.targets)
        for (const line of ownDifferences(target)) touched.add(line)
    if (done % Math.ceil(operations / kills) === 0) atOnce.push(kill(fleet, random))
  }
  await Promise.all(atOnce)
  return [...touched]
}

function ownDifferences(target: string): string[] {
  return OWN.filter((path) => readOr(join(target, path)) !== path).map(
    (path) => `${target}: "${path}" was touched`,
  )
}

function readOr(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

function compare({ sources, targets }: Scene, target: string): string[] {
  const own = ownDifferences(target)
  const [source = ''] = sources
  if (sources.length === 1 && targets.length === 1) {
    removeOwn(target)
    return [...own, ...rsyncDifferences(source, target)]
  }
  const isOwn = (line: string) => /^(\.env|uploads(\/a)?):/.test(line)
  return [...own, ...unionDifferences(sources, target).filter((line) => !isOwn(line))]
}

/** What is the target's own goes; its folder keeps the time that came from the source. */
function removeOwn(target: string): void {
  const reference = `${target}.time`
  writeFileSync(reference, '')
  const taken = Bun.spawnSync(['touch', '-r', target, reference])
  for (const path of OWN) rmSync(join(target, path.replace(/\/.*/, '')), { recursive: true })
  const given = Bun.spawnSync(['touch', '-r', reference, target])
  if (taken.exitCode !== 0 || given.exitCode !== 0) throw new Error(`cannot touch "${target}"`)
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
