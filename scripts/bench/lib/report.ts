import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

import { networkDescription } from './own-network.ts'
import type { Taken } from './processes.ts'

/** One run of one side. */
export interface Measured {
  readonly timeMs: number
  readonly wireBytes: number
  readonly processes: ReadonlyMap<string, Taken>
}

/** Two runs next to each other on the same data. */
export interface Pair {
  readonly ours: Measured
  readonly theirs: Measured
}

/** Something the benchmark must reach. */
export interface Bar {
  readonly what: string
  readonly value: number
  readonly atMost: number
}

const MIB = 1 << 20
const SYNC_SERVER_PEAK_MIB_MAX = 200

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? upper)) / 2
}

/** The median over the pairs of our time by theirs. */
export function timeRatio(pairs: readonly Pair[]): number {
  return median(timeRatios(pairs))
}

/** Our time by theirs, for each pair. */
export function timeRatios(pairs: readonly Pair[]): number[] {
  return pairs.map(({ ours, theirs }) => ours.timeMs / theirs.timeMs)
}

/** Both sides of pairs as they are reported. */
export function bothSides(pairs: readonly Pair[]): Record<'ours' | 'rsync', Measured[]> {
  return { ours: pairs.map(({ ours }) => ours), rsync: pairs.map(({ theirs }) => theirs) }
}

/** The largest that any Sync Server has been, as a bar that holds for every benchmark. */
export function memoryBar(ours: readonly Measured[]): Bar {
  const peaks = ours.flatMap(({ processes }) =>
    [...processes].filter(([name]) => name.startsWith('sync server')),
  )
  const value = Math.max(...peaks.map(([, { peakBytes }]) => peakBytes / MIB))
  return { what: 'peak RSS of a Sync Server, MiB', value, atMost: SYNC_SERVER_PEAK_MIB_MAX }
}

interface Report {
  readonly name: string
  readonly title: string
  readonly settings: Readonly<Record<string, unknown>>
  /** Runs next to each other, by what they are called. */
  readonly sides: Readonly<Record<string, readonly Measured[]>>
  /** What was compared in each of them. */
  readonly ratios: readonly number[]
  readonly bars: readonly Bar[]
}

/** Prints the medians and the bars, writes `results/NAME.json`, gives the exit code: 1 where a bar was missed. */
export function report({ name, title, settings, sides: runs, ratios, bars }: Report): 0 | 1 {
  const sides = Object.fromEntries(
    Object.entries(runs).map(([side, measured]) => [side, summary(measured)]),
  )
  const on = ['tls', 'journal', 'index', 'receipts', 'no compression on either side']
  const host = { cpu: cpus()[0]?.model ?? 'unknown', cpuCount: cpus().length }
  const wire = networkDescription()
  const result = { benchmark: name, on, ...settings, ...host, wire, ratios, ...sides, bars }
  console.log(`${title}; on our side: ${on.join(', ')}; wire: ${wire}`)
  for (const [side, { timeMs, wireBytes, processes }] of Object.entries(sides)) {
    console.log(
      `  ${side.padEnd(22)} ${(timeMs / 1000).toFixed(3)} s   ${(wireBytes / 1e6).toFixed(1)} MB on the wire`,
    )
    for (const [process, { cpuS, peakMib }] of Object.entries(processes))
      console.log(
        `    ${process.padEnd(20)} ${cpuS.toFixed(2)} s CPU   ${peakMib.toFixed(0)} MiB peak RSS`,
      )
  }
  for (const bar of bars) console.log(`  ${isHeld(bar) ? 'held  ' : 'MISSED'} ${describeBar(bar)}`)
  const folder = join(import.meta.dir, '..', 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`)
  return bars.every(isHeld) ? 0 : 1
}

function isHeld({ value, atMost }: Bar): boolean {
  return value <= atMost
}

function describeBar({ what, value, atMost }: Bar): string {
  return `${what}: ${value.toFixed(2)} (at most ${atMost})`
}

function summary(runs: readonly Measured[]) {
  const names = [...(runs[0]?.processes.keys() ?? [])]
  const of = (name: string) =>
    runs.map(({ processes }) => processes.get(name) ?? { cpuS: 0, peakBytes: 0 })
  const processes = names.map((name) => [
    name,
    {
      cpuS: median(of(name).map(({ cpuS }) => cpuS)),
      peakMib: Math.max(...of(name).map(({ peakBytes }) => peakBytes / MIB)),
    },
  ])
  return {
    timeMs: median(runs.map(({ timeMs }) => timeMs)),
    wireBytes: median(runs.map(({ wireBytes }) => wireBytes)),
    processes: Object.fromEntries(processes) as Record<string, { cpuS: number; peakMib: number }>,
  }
}
