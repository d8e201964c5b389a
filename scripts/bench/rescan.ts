import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { makeRandomTree } from '../fleet/random-tree.ts'
import { benchArguments } from './lib/arguments.ts'
import { inTurn } from './lib/in-turn.ts'
import { Installation, benchFolder } from './lib/installation.ts'
import { inOwnNetwork } from './lib/own-network.ts'
import { type Pair, bothSides, memoryBar, report, timeRatio, timeRatios } from './lib/report.ts'
import { RsyncDaemon } from './lib/rsync.ts'

/** `--files 1000000` for the other tree that is to be known. */
const RATIO_AT_MOST = 1.5

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
    try {
      mkdirSync(installation.sourceFolder(name), { recursive: true })
      makeRandomTree(installation.sourceFolder(name), args.files)
      const { policyId } = await installation.distribute(name)
      await installation.watchByScans()
      for (let index = 0; index < args.pairs; index++) {
        const theirs = () => daemon.push(installation.sourceFolder(name), name, ['-an'])
        const ours = () => installation.synchronize(policyId, name)
        pairs.push(await inTurn(index, ours, theirs))
      }
    } finally {
      await installation.stop()
      await daemon.stop()
    }
    const time = {
      what: 'time by that of rsync -n',
      value: timeRatio(pairs),
      atMost: RATIO_AT_MOST,
    }
    const sides = bothSides(pairs)
    return report({
      name: args.files === 20_000 ? 'rescan' : `rescan-${args.files}`,
      title: `${args.files} files, nothing changed`,
      settings: { files: args.files, pairs: args.pairs, onDisk: args.onDisk },
      sides,
      ratios: timeRatios(pairs),
      bars: [time, memoryBar(sides.ours)],
    })
  } finally {
    folder.remove()
  }
}

await inOwnNetwork()
process.exit(await run())
