import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { BenchArguments } from './arguments.ts'
import { inTurn } from './in-turn.ts'
import { Installation, benchFolder } from './installation.ts'
import { type Pair, bothSides, memoryBar, report, timeRatio, timeRatios } from './report.ts'
import { RsyncDaemon } from './rsync.ts'

interface FirstRun {
  readonly name: string
  readonly title: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly args: BenchArguments
  readonly ratioAtMost: number
  /** Makes the tree that is distributed. */
  readonly fill: (folder: string) => void
}

/** Distributes a tree to one empty target, once by rsync and once by us, in alternating order; gives the exit code. */
export async function firstRun(options: FirstRun): Promise<number> {
  const { args, name } = options
  const folder = benchFolder(name, args.onDisk)
  const original = join(folder.path, 'original')
  const received = join(folder.path, 'rsync')
  try {
    options.fill(original)
    const daemon = await RsyncDaemon.start(folder.path, received)
    const installation = await Installation.start(join(folder.path, 'fleet'))
    const pairs: Pair[] = []
    try {
      for (let index = 0; index < args.pairs; index++) {
        const run = `tree-${index}`
        const theirs = async () => {
          const measured = await daemon.push(original, run)
          rmSync(join(received, run), { recursive: true })
          return measured
        }
        const ours = async () => {
          copyTree(original, installation.sourceFolder(run))
          const { policyId, measured } = await installation.distribute(run)
          await installation.forget(policyId, run)
          return measured
        }
        pairs.push(await inTurn(index, ours, theirs))
      }
    } finally {
      await installation.stop()
      await daemon.stop()
    }
    const time = { what: "time by rsync's", value: timeRatio(pairs), atMost: options.ratioAtMost }
    const settings = { ...options.settings, pairs: args.pairs, onDisk: args.onDisk }
    const sides = bothSides(pairs)
    const ratios = timeRatios(pairs)
    return report({ ...options, settings, sides, ratios, bars: [time, memoryBar(sides.ours)] })
  } finally {
    folder.remove()
  }
}

function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  if (Bun.spawnSync(['cp', '-a', from, to]).exitCode !== 0) throw new Error(`cannot copy ${from}`)
}
