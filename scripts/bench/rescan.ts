import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { makeRandomTree } from '../fleet/random-tree.ts'
import { benchArguments } from './lib/arguments.ts'
import { inTurn } from './lib/in-turn.ts'
import { Installation, benchFolder } from './lib/installation.ts'
import { inOwnNetwork } from './lib/own-network.ts'
import { type Pair, bothSides, memoryBar, report, timeRatio, timeRatios } from './lib/report.ts'
import { RsyncDaemon } from './lib/rsync.ts'

/** `--files 1000000` for the other tree that is to be known: of files of some bytes, for they are not looked into. */
const RATIO_AT_MOST = 1.5
const MANY_FILES = 100_000
const FEW_BYTES = { from: 1, below: 100 }
/**
 * What a file may add to the source's agent while it looks through all of them with the watcher that it takes by itself;
 * below so many files its own size decides. @parcel/watcher, by which the runs are made to scan, keeps a list of all paths
 * besides: what that comes to is told.
 */
const BYTES_PER_FILE_MAX = 300

/**
 * A source that has not changed is looked through as a whole, since its watcher cannot say that nothing was missed: from
 * the word to synchronize until the job is done; beside `rsync -n` over the same trees.
 */
async function run(): Promise<number> {
  const args = benchArguments(process.argv.slice(2))
  const folder = benchFolder('rescan', args.onDisk)
  try {
    const name = 'tree'
    const installation = await Installation.start(join(folder.path, 'fleet'))
    const daemon = await RsyncDaemon.start(folder.path, join(folder.path, 'fleet/files/target'))
    const pairs: Pair[] = []
    let [emptyBytes, peakBytes, parcelPeakBytes, startUpMs] = [0, 0, 0, 0]
    try {
      mkdirSync(installation.sourceFolder(name), { recursive: true })
      const sizes = args.files >= MANY_FILES ? { sizes: FEW_BYTES } : {}
      makeRandomTree(installation.sourceFolder(name), args.files, sizes)
      emptyBytes = installation.sourcePeakBytes()
      const { policyId } = await installation.distribute(name)
      const startedAt = performance.now()
      await installation.restartSource(policyId)
      startUpMs = performance.now() - startedAt
      peakBytes = installation.sourcePeakBytes()
      await installation.watchByScans()
      for (let index = 0; index < args.pairs; index++) {
        const theirs = () => daemon.push(installation.sourceFolder(name), name, ['-an'])
        const ours = () => installation.synchronize(policyId, name)
        pairs.push(await inTurn(index, ours, theirs))
      }
      parcelPeakBytes = installation.sourcePeakBytes()
    } finally {
      await installation.stop()
      await daemon.stop()
    }
    const time = {
      what: 'time by that of rsync -n',
      value: timeRatio(pairs),
      atMost: RATIO_AT_MOST,
    }
    const perFileBytes = (bytes: number) => (bytes - emptyBytes) / args.files
    const parcelBytesPerFile = Math.round(perFileBytes(parcelPeakBytes))
    const perFile = {
      what: 'peak RSS of the source agent above an empty one, bytes per file',
      value: perFileBytes(peakBytes),
      atMost: BYTES_PER_FILE_MAX,
    }
    console.log(
      `start of the source agent until all is looked through: ${Math.round(startUpMs)} ms`,
    )
    console.log(`with --watcher parcel a file adds ${parcelBytesPerFile} bytes of RSS`)
    const sides = bothSides(pairs)
    return report({
      name: args.files === 20_000 ? 'rescan' : `rescan-${args.files}`,
      title: `${args.files} files, nothing changed`,
      settings: {
        files: args.files,
        pairs: args.pairs,
        onDisk: args.onDisk,
        startUpMs,
        parcelBytesPerFile,
      },
      sides,
      ratios: timeRatios(pairs),
      bars: [time, memoryBar(sides.ours), ...(args.files >= MANY_FILES ? [perFile] : [])],
    })
  } finally {
    folder.remove()
  }
}

await inOwnNetwork()
process.exit(await run())
