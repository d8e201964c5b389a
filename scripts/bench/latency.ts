import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

import { Fleet } from '../fleet/fleet.ts'
import { distribute, folderOf } from '../fleet/policy.ts'
import { makeRandomTree, seededRandom } from '../fleet/random-tree.ts'
import { benchArguments } from './lib/arguments.ts'
import { benchFolder } from './lib/installation.ts'

/**
 * How long an isolated change of 4 KiB takes from the end of its writing on the source until a reader sees it whole
 * on the target, on one machine, with 20,000 other files in the tree. TLS, journal and receipts are on. Trees and data lie in
 * memory, with `--disk` on the disk.
 */
const OTHER_FILES = 20_000
const WARM_UP = 5
const SAMPLES = 50
const MEDIAN_MS_MAX = 50
const P99_MS_MAX = 200

async function measure(source: string, target: string, index: number): Promise<number> {
  const name = `isolated-${index % 10}`
  const content = Buffer.alloc(4096, `change ${index} `)
  writeFileSync(join(source, name), content)
  const startedAt = performance.now()
  for (;;) {
    const seen = read(join(target, name))
    if (seen?.equals(content) === true) return performance.now() - startedAt
    if (performance.now() - startedAt > 10_000) throw new Error(`change ${index} did not arrive`)
    await Bun.sleep(0.2)
  }
}

function read(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null // not there yet: that is what is being waited for
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

async function run(directory: string): Promise<number[]> {
  const fleet = new Fleet(directory)
  try {
    await fleet.initialize()
    await fleet.startMaster()
    const group = await fleet.addGroup('one')
    const source = await fleet.addAgent('source', group)
    const target = await fleet.addAgent('target', group)
    const [from, to] = [folderOf(fleet, source, 'tree'), folderOf(fleet, target, 'tree')]
    mkdirSync(to, { recursive: true })
    makeRandomTree(from, OTHER_FILES)
    const policyId = await distribute(fleet, {
      name: 'latency',
      source,
      targets: [target],
      folder: 'tree',
    })
    await fleet.converged(policyId, 120_000)
    const random = seededRandom(3)
    const samples: number[] = []
    for (let index = 0; index < WARM_UP + SAMPLES; index++) {
      await Bun.sleep(200 + random() * 200)
      samples.push(await measure(from, to, index))
    }
    return samples.slice(WARM_UP)
  } finally {
    await fleet.stop()
  }
}

const { onDisk } = benchArguments(process.argv.slice(2), { targets: 1 })
const name = onDisk ? 'latency-disk' : 'latency'
const folder = benchFolder(name, onDisk)
const samples = (await run(folder.path)).sort((a, b) => a - b)
folder.remove()
const result = {
  benchmark: 'latency',
  on: ['tls', 'journal', 'receipts'],
  otherFiles: OTHER_FILES,
  samples: SAMPLES,
  cpu: cpus()[0]?.model ?? 'unknown',
  cpuCount: cpus().length,
  minimumMs: percentile(samples, 0),
  medianMs: percentile(samples, 0.5),
  p99Ms: percentile(samples, 0.99),
}
const held = result.medianMs <= MEDIAN_MS_MAX && result.p99Ms <= P99_MS_MAX
console.log('isolated 4 KiB change, one target, TLS, journal and receipts on')
console.log(`  minimum ${result.minimumMs.toFixed(1)} ms`)
console.log(`  median  ${result.medianMs.toFixed(1)} ms   (bar ${MEDIAN_MS_MAX} ms)`)
console.log(`  p99     ${result.p99Ms.toFixed(1)} ms   (bar ${P99_MS_MAX} ms)`)
const results = join(import.meta.dir, 'results')
mkdirSync(results, { recursive: true })
writeFileSync(join(results, 'latency.json'), `${JSON.stringify(result, null, 2)}\n`)
process.exit(held ? 0 : 1)
