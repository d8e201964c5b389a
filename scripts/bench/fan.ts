import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { inOwnWorld } from '../fleet/own-world.ts'
import { type BenchArguments, benchArguments } from './lib/arguments.ts'
import { FanFleet } from './lib/fan-fleet.ts'
import { type FanRun, type FanSide, fanReport } from './lib/fan-report.ts'
import { makeNoiseFile, makeNoiseTree, makeTextTree, sizeOf } from './lib/fan-trees.ts'
import { HostNetwork } from './lib/host-network.ts'
import { benchFolder } from './lib/installation.ts'
import { RsyncStar } from './lib/rsync-star.ts'
import { SyncthingCluster } from './lib/syncthing.ts'
import { versionOf } from './lib/versions.ts'

// One source and several targets, each behind a link of its own. Beside it rsync from the source to all targets at once,
// and syncthing. What lsyncd would do here is that same rsync, so it is not run.

const MBIT_PER_S = 100
const RATE_BYTES_PER_S = (MBIT_PER_S * 1e6) / 8
const ON = 'TLS, journal, index, receipts; options of a policy by itself: patch, lz4'

interface Case {
  readonly name: string
  readonly title: string
  readonly timeAtMost: number
  readonly rsync: readonly string[]
  readonly fileCount: number
  readonly fill: (folder: string) => void
}

function casesOf({ files, bytes }: BenchArguments): Case[] {
  const small = `${files} files of 1–16 KiB`
  return [
    {
      name: 'large',
      title: `one file that does not shrink`,
      timeAtMost: 1.15,
      rsync: ['-a'],
      fileCount: 1,
      fill: (folder) => makeNoiseFile(folder, bytes),
    },
    {
      name: 'small',
      title: `${small} that do not shrink`,
      timeAtMost: 1.15,
      rsync: ['-a'],
      fileCount: files,
      fill: (folder) => makeNoiseTree(folder, files),
    },
    {
      name: 'text',
      title: `${small} of text`,
      timeAtMost: 1,
      rsync: ['-az'],
      fileCount: files,
      fill: (folder) => makeTextTree(folder, files),
    },
  ]
}

/** Ours in every round, the others in as many of them as asked for, now before it and now after it. */
async function measure(one: Case, args: BenchArguments): Promise<number> {
  const { path, remove } = benchFolder(`fan-${one.name}`, args.onDisk)
  const network = await HostNetwork.start(args.targets + 1, MBIT_PER_S)
  const original = join(path, 'original')
  const ours: FanRun[] = []
  const others = new Map<Other, FanRun[]>(othersOf(one).map((other) => [other, []]))
  try {
    one.fill(original)
    const fleet = await FanFleet.start(join(path, 'fleet'), network)
    try {
      for (let round = 0; round < args.pairs; round++) {
        const runOthers = async () => {
          for (const [other, runs] of others)
            if (round < args.others)
              runs.push(
                await other.run({ path: join(path, `${other.name}-${round}`), network, original }),
              )
        }
        if (round % 2 === 0) await runOthers()
        const run = `tree-${round}`
        copyTree(original, fleet.sourceFolder(run))
        ours.push(await fleet.distribute(run))
        if (round % 2 === 1) await runOthers()
      }
    } finally {
      await fleet.stop()
    }
    const beside = [...others].map(([{ name, about }, runs]): FanSide => ({ name, about, runs }))
    return fanReport({
      name: `fan-${one.name}`,
      title: `1 source → ${args.targets} targets over ${MBIT_PER_S} Mbit/s, ${one.title}`,
      settings: { targets: args.targets, mbitPerS: MBIT_PER_S, onDisk: args.onDisk },
      sizeBytes: sizeOf(original),
      rateBytesPerS: RATE_BYTES_PER_S,
      timeAtMost: one.timeAtMost,
      sides: [{ name: 'ours', about: ON, runs: ours }, ...beside.filter(({ runs }) => runs.length)],
    })
  } finally {
    network.stop()
    remove()
  }
}

interface OtherOrder {
  readonly path: string
  readonly network: HostNetwork
  readonly original: string
}

interface Other {
  readonly name: string
  readonly about: string
  readonly run: (order: OtherOrder) => Promise<FanRun>
}

function othersOf({ rsync, fileCount }: Case): Other[] {
  const found: Other[] = []
  const rsyncVersion = versionOf('rsync')
  if (rsyncVersion !== null)
    found.push({
      name: 'rsync',
      about: `${rsyncVersion}, star of ${rsync.join(' ')} to daemons, no encryption`,
      run: async ({ path, network, original }) => {
        const star = await RsyncStar.start(path, network)
        try {
          return await star.push(original, 'tree', rsync)
        } finally {
          await star.stop()
        }
      },
    })
  const syncthingVersion = versionOf('syncthing')
  if (syncthingVersion !== null)
    found.push({
      name: 'syncthing',
      about: `${syncthingVersion}, every host knows all others, TLS`,
      run: async ({ path, network, original }) => {
        const cluster = await SyncthingCluster.start(path, network)
        try {
          return await cluster.distribute(original, 'tree', fileCount)
        } finally {
          await cluster.stop()
        }
      },
    })
  return found
}

function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  if (Bun.spawnSync(['cp', '-a', from, to]).exitCode !== 0) throw new Error(`cannot copy ${from}`)
}

await inOwnWorld()
const args = benchArguments(process.argv.slice(2), { targets: 8, bytes: 64 << 20, others: 1 })
const cases = casesOf(args).filter(({ name }) => args.only === null || args.only === name)
let code = 0
for (const one of cases) code = Math.max(code, await measure(one, args))
process.exit(code)
