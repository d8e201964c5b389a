import { join } from 'node:path'

import { seededRandom } from '../fleet/random-tree.ts'
import { type BenchArguments, benchArguments } from './lib/arguments.ts'
import { inTurn } from './lib/in-turn.ts'
import { Installation, benchFolder } from './lib/installation.ts'
import { EDITS, EDIT_BYTES, makeLargeFile, replaceWithNext } from './lib/large-file.ts'
import { inOwnNetwork } from './lib/own-network.ts'
import { type Measured, type Pair, bothSides, median, memoryBar } from './lib/report.ts'
import { report, timeRatio, timeRatios } from './lib/report.ts'
import { RsyncDaemon } from './lib/rsync.ts'

const FILE = 'large.bin'
const RUN = 'tree'
const TIME_RATIO_AT_MOST = 1.2
const FIRST_WIRE_RATIO_AT_MOST = 0.3
const KEPT_WIRE_RATIO_AT_MOST = 0.15
const CPU_RATIO_AT_MOST = 1.5
const BYTES_FOR_SEVERAL = 512 << 20
const CHANGES = `${EDITS} edits of ${EDIT_BYTES} bytes and an insertion`

/** Two changes in a row: the source knows nothing of what the target has at the first, and everything at the second. */
interface TwoChanges {
  readonly first: Measured
  readonly second: Measured
}

async function changeTwice(
  path: string,
  index: number,
  measure: (replace: () => void) => Promise<Measured>,
): Promise<TwoChanges> {
  const random = seededRandom(index + 1)
  const first = await replaceWithNext(path, random, measure)
  return { first, second: await replaceWithNext(path, random, measure) }
}

/** Our installation with a file that all of some targets hold. */
async function synchronized(
  installation: Installation,
  options: { readonly name: string; readonly bytes: number; readonly targets: number },
): Promise<{ policyId: string; path: string }> {
  const { name, bytes, targets } = options
  const path = join(installation.sourceFolder(name), FILE)
  makeLargeFile(path, bytes)
  const { policyId } = await installation.distribute(name, { method: 'patch', targets })
  return { policyId, path }
}

function wireRatio(pairs: readonly Pair[]): number {
  return median(pairs.map(({ ours, theirs }) => ours.wireBytes / theirs.wireBytes))
}

/** Beside rsync, which compares the same versions. */
async function besideRsync(args: BenchArguments, folder: string): Promise<number> {
  const original = join(folder, 'original', RUN)
  makeLargeFile(join(original, FILE), args.bytes)
  const daemon = await RsyncDaemon.start(folder, join(folder, 'rsync'))
  const installation = await Installation.start(join(folder, 'fleet'))
  const push = () => daemon.push(original, RUN, ['-a', '--no-whole-file'])
  const runs: { ours: TwoChanges; theirs: TwoChanges }[] = []
  try {
    await push()
    const { policyId, path } = await synchronized(installation, { ...args, name: RUN })
    for (let index = 0; index < args.pairs; index++) {
      const theirs = () =>
        changeTwice(join(original, FILE), index, (replace) => {
          replace()
          return push()
        })
      const ours = async () => {
        await installation.restartSource(policyId)
        return changeTwice(path, index, (replace) => installation.change(policyId, RUN, replace))
      }
      runs.push(await inTurn(index, ours, theirs))
    }
  } finally {
    await installation.stop()
    await daemon.stop()
  }
  const pairs = runs.map(({ ours, theirs }) => ({ ours: ours.first, theirs: theirs.first }))
  const again = runs.map(({ ours, theirs }) => ({ ours: ours.second, theirs: theirs.second }))
  const [time, wire] = ["time by rsync's", "bytes on the wire by rsync's"]
  return report({
    name: 'delta',
    title: `a file of ${args.bytes} bytes, ${CHANGES}, one target`,
    settings: { bytes: args.bytes, pairs: args.pairs, onDisk: args.onDisk },
    sides: {
      ...bothSides(pairs),
      'ours, second change': again.map(({ ours }) => ours),
      'rsync, second change': again.map(({ theirs }) => theirs),
    },
    ratios: timeRatios(pairs),
    bars: [
      { what: time, value: timeRatio(pairs), atMost: TIME_RATIO_AT_MOST },
      { what: `${time}, second change`, value: timeRatio(again), atMost: TIME_RATIO_AT_MOST },
      { what: wire, value: wireRatio(pairs), atMost: FIRST_WIRE_RATIO_AT_MOST },
      { what: `${wire}, second change`, value: wireRatio(again), atMost: KEPT_WIRE_RATIO_AT_MOST },
      memoryBar([...pairs, ...again].map(({ ours }) => ours)),
    ],
  })
}

/** To several targets beside one: what was computed for one serves the others. */
async function besideOneTarget(args: BenchArguments, folder: string): Promise<number> {
  const installation = await Installation.start(join(folder, 'fleet'), args.targets)
  const runs: { ours: TwoChanges; theirs: TwoChanges }[] = []
  try {
    const one = await synchronized(installation, { ...args, name: 'one', targets: 1 })
    const all = await synchronized(installation, { ...args, name: 'all' })
    for (let index = 0; index < args.pairs; index++) {
      const changed =
        (name: string, { policyId, path }: typeof one) =>
        async () => {
          await installation.restartSource(policyId)
          return changeTwice(path, index, (replace) => installation.change(policyId, name, replace))
        }
      runs.push(await inTurn(index, changed('all', all), changed('one', one)))
    }
  } finally {
    await installation.stop()
  }
  const cpuRatio = (change: keyof TwoChanges) =>
    median(runs.map(({ ours, theirs }) => sourceCpuS(ours[change]) / sourceCpuS(theirs[change])))
  const cpu = `CPU of the source agent by that for one target`
  const sides = {
    [`${args.targets} targets`]: runs.map(({ ours }) => ours.first),
    'one target': runs.map(({ theirs }) => theirs.first),
    [`${args.targets} targets, second`]: runs.map(({ ours }) => ours.second),
    'one target, second': runs.map(({ theirs }) => theirs.second),
  }
  return report({
    name: `delta-${args.targets}`,
    title: `a file of ${args.bytes} bytes, ${CHANGES}, ${args.targets} targets`,
    settings: { bytes: args.bytes, pairs: args.pairs, onDisk: args.onDisk },
    sides,
    ratios: runs.map(({ ours, theirs }) => ours.first.timeMs / theirs.first.timeMs),
    bars: [
      { what: cpu, value: cpuRatio('first'), atMost: CPU_RATIO_AT_MOST },
      { what: `${cpu}, second change`, value: cpuRatio('second'), atMost: CPU_RATIO_AT_MOST },
      memoryBar(Object.values(sides).flat()),
    ],
  })
}

function sourceCpuS({ processes }: Measured): number {
  return processes.get('source agent')?.cpuS ?? Number.NaN
}

/** `--targets 8` for the second part, in a file that leaves room in memory for the copies of all. */
async function run(): Promise<number> {
  const { targets } = benchArguments(process.argv.slice(2))
  const defaults = targets === 1 ? {} : { bytes: BYTES_FOR_SEVERAL }
  const args = benchArguments(process.argv.slice(2), defaults)
  const folder = benchFolder('delta', args.onDisk)
  try {
    return await (targets === 1 ? besideRsync : besideOneTarget)(args, folder.path)
  } finally {
    folder.remove()
  }
}

await inOwnNetwork()
process.exit(await run())
