import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { makeRandomTree } from '../fleet/random-tree.ts'
import { type BenchArguments, benchArguments } from './lib/arguments.ts'
import { DelayLine } from './lib/delay-line.ts'
import { Installation, benchFolder } from './lib/installation.ts'
import { inOwnNetwork } from './lib/own-network.ts'
import { type Measured, median, memoryBar, report } from './lib/report.ts'
import { RsyncDaemon } from './lib/rsync.ts'
import { versionOf } from './lib/versions.ts'

// Many small files to one empty target over a line as long as one around half of the earth, and over the same line
// without its delay. Beside it rsync over a line of the same kind.

const ROUND_TRIP_MS = 100
const RATE_BYTES_PER_S = 1e9 / 8
/**
 * Connecting, TLS, hello, opening, and the way of the content: none of them once per set or per file. The rest is for what
 * a machine does beside.
 */
const ROUND_TRIPS_AT_MOST = 10

interface Side {
  readonly near: Measured[]
  readonly far: Measured[]
}

/** Measures what the line lets through, with its delay and without, now the one first and now the other. */
async function overLine(
  line: DelayLine,
  side: Side,
  run: (name: string) => Promise<Measured>,
): Promise<void> {
  const both = [[side.near, 0] as const, [side.far, ROUND_TRIP_MS] as const]
  if (side.near.length % 2 === 1) both.reverse()
  for (const [runs, roundTripMs] of both) {
    line.setRoundTrip(roundTripMs)
    const before = line.passedBytes
    const measured = await run(`tree-${roundTripMs}-${runs.length}`)
    runs.push({ ...measured, wireBytes: line.passedBytes - before })
  }
  line.setRoundTrip(0)
}

/** How many round trips the delay costs, by the fastest runs: whatever else a machine does only adds to a run. */
function roundTrips({ near, far }: Side): number {
  const fastestMs = (runs: readonly Measured[]) => Math.min(...runs.map(({ timeMs }) => timeMs))
  return (fastestMs(far) - fastestMs(near)) / ROUND_TRIP_MS
}

async function measure(args: BenchArguments): Promise<number> {
  const { path, remove } = benchFolder('wan', args.onDisk)
  const original = join(path, 'original')
  const received = join(path, 'rsync')
  const lines: DelayLine[] = []
  const throughLine = (port: number): number => {
    const line = new DelayLine(port, { rateBytesPerS: RATE_BYTES_PER_S, roundTripMs: 0 })
    lines.push(line)
    return line.port
  }
  const [ours, theirs]: Side[] = [
    { near: [], far: [] },
    { near: [], far: [] },
  ]
  if (ours === undefined || theirs === undefined) throw new Error('two sides')
  try {
    makeRandomTree(original, args.files)
    const installation = await Installation.start(join(path, 'fleet'), 1, throughLine)
    const daemon = await RsyncDaemon.start(path, received, throughLine)
    const [ourLine, theirLine] = lines
    if (ourLine === undefined || theirLine === undefined) throw new Error('two lines')
    const runOurs = () =>
      overLine(ourLine, ours, async (name) => {
        copyTree(original, installation.sourceFolder(name))
        const { policyId, measured } = await installation.distribute(name)
        await installation.forget(policyId, name)
        return measured
      })
    const runTheirs = () =>
      overLine(theirLine, theirs, async (name) => {
        const measured = await daemon.push(original, name)
        rmSync(join(received, name), { recursive: true })
        return measured
      })
    try {
      for (let index = 0; index < args.pairs; index++) {
        const both = index % 2 === 0 ? [runTheirs, runOurs] : [runOurs, runTheirs]
        for (const run of both) await run()
      }
    } finally {
      await installation.stop()
      await daemon.stop()
      for (const line of lines) line.stop()
    }
    const ratios = ours.far.map(({ timeMs }, at) => timeMs / (theirs.far[at]?.timeMs ?? Number.NaN))
    const trips = roundTrips(ours)
    const bars = [
      { what: "time by rsync's", value: median(ratios), atMost: 1 },
      { what: 'round trips that the delay costs', value: trips, atMost: ROUND_TRIPS_AT_MOST },
      memoryBar(ours.far),
    ]
    return report({
      name: 'wan',
      title: `${args.files} files of 1–16 KiB over ${ROUND_TRIP_MS} ms and 1 Gbit/s; beside ${versionOf('rsync') ?? 'rsync'}`,
      settings: { files: args.files, pairs: args.pairs, roundTripMs: ROUND_TRIP_MS },
      sides: {
        ours: ours.far,
        'ours without delay': ours.near,
        rsync: theirs.far,
        'rsync without delay': theirs.near,
      },
      ratios,
      bars,
    })
  } finally {
    remove()
  }
}

function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  if (Bun.spawnSync(['cp', '-a', from, to]).exitCode !== 0) throw new Error(`cannot copy ${from}`)
}

await inOwnNetwork()
process.exit(await measure(benchArguments(process.argv.slice(2), { pairs: 5 })))
