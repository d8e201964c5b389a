import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

import type { LinkBytes } from './host-network.ts'
import type { Taken } from './processes.ts'
import { type Bar, median } from './report.ts'

/** One run of one side over all hosts. */
export interface FanRun {
  readonly timeMs: number
  /** By host, before it and after it. */
  readonly before: ReadonlyMap<string, LinkBytes>
  readonly links: ReadonlyMap<string, LinkBytes>
  readonly processes: ReadonlyMap<string, Taken>
}

/** What ran beside ours, or why it did not. */
export interface FanSide {
  readonly name: string
  /** What it is and how it was started. */
  readonly about: string
  readonly runs: readonly FanRun[]
}

export interface FanReport {
  readonly name: string
  readonly title: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly sizeBytes: number
  readonly rateBytesPerS: number
  readonly timeAtMost: number
  /** Ours first. */
  readonly sides: readonly FanSide[]
}

const MIB = 1 << 20
const EGRESS_AT_MOST = 1.1
const PEAK_MIB_AT_MOST = 200
const WIRE =
  'veth of each host, as its packets are handed over: data, control; headers of large ones once'

/** Prints a table of the sides and the bars that ours is held to, writes `results/NAME.json`; 1 where one was missed. */
export function fanReport(report: FanReport): 0 | 1 {
  const { name, title, settings, sizeBytes, rateBytesPerS } = report
  const idealMs = (sizeBytes / rateBytesPerS) * 1000
  const sides = report.sides.map((side) => ({ ...summary(side, { sizeBytes, idealMs }) }))
  const [ours] = sides
  if (ours === undefined) throw new Error('a report without sides')
  const bars: Bar[] = [
    { what: 'time by size/rate', value: ours.timeRatio, atMost: report.timeAtMost },
    { what: 'egress of the source by size', value: ours.egressRatio, atMost: EGRESS_AT_MOST },
    { what: 'peak RSS of a Sync Server, MiB', value: peakOf(ours), atMost: PEAK_MIB_AT_MOST },
  ]
  const host = { cpu: cpus()[0]?.model ?? 'unknown', cpuCount: cpus().length }
  console.log(
    `${title}: ${(sizeBytes / 1e6).toFixed(1)} MB, size/rate ${(idealMs / 1000).toFixed(2)} s`,
  )
  for (const side of sides) print(side)
  for (const { what, value, atMost } of bars)
    console.log(
      `  ${value <= atMost ? 'held  ' : 'MISSED'} ${what}: ${value.toFixed(2)} (at most ${atMost})`,
    )
  const folder = join(import.meta.dir, '..', 'results')
  mkdirSync(folder, { recursive: true })
  const result = {
    benchmark: name,
    ...settings,
    ...host,
    wire: WIRE,
    sizeBytes,
    idealMs,
    sides,
    bars,
  }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`)
  return bars.every(({ value, atMost }) => value <= atMost) ? 0 : 1
}

type Summary = ReturnType<typeof summary>

function summary({ name, about, runs }: FanSide, of: { sizeBytes: number; idealMs: number }) {
  const timeMs = median(runs.map((run) => run.timeMs))
  const hosts = [...(runs[0]?.links.keys() ?? [])]
  const moved = (run: FanRun, host: string, way: keyof LinkBytes) =>
    (run.links.get(host)?.[way] ?? 0) - (run.before.get(host)?.[way] ?? 0)
  const links = hosts.map((host) => ({
    host,
    sentBytes: median(runs.map((run) => moved(run, host, 'sent'))),
    receivedBytes: median(runs.map((run) => moved(run, host, 'received'))),
  }))
  const processes = [...(runs[0]?.processes.keys() ?? [])].map((process) => {
    const taken = runs.flatMap((run) => run.processes.get(process) ?? [])
    const cpuS = median(taken.map((one) => one.cpuS))
    return { process, cpuS, peakMib: Math.max(...taken.map((one) => one.peakBytes / MIB)) }
  })
  return {
    name,
    about,
    runs: runs.length,
    timesMs: runs.map((run) => run.timeMs),
    timeMs,
    timeRatio: timeMs / of.idealMs,
    egressRatio: (links[0]?.sentBytes ?? Number.NaN) / of.sizeBytes,
    cpuS: processes.reduce((sum, { cpuS }) => sum + cpuS, 0),
    links,
    processes,
  }
}

function peakOf({ processes }: Summary): number {
  const servers = processes.filter(({ process }) => process.startsWith('sync server'))
  return Math.max(...servers.map(({ peakMib }) => peakMib))
}

function print(side: Summary): void {
  const { name, about, runs, timeMs, timeRatio, egressRatio, cpuS } = side
  console.log(`  ${name}: ${about}`)
  if (runs === 0) return
  console.log(
    `    ${(timeMs / 1000).toFixed(2)} s (${timeRatio.toFixed(2)} of size/rate, ${runs} runs)   egress ${egressRatio.toFixed(2)} of size   ${cpuS.toFixed(1)} s CPU`,
  )
  for (const { process, cpuS: own, peakMib } of side.processes)
    console.log(`      ${process.padEnd(26)} ${own.toFixed(2)} s CPU   ${peakMib.toFixed(0)} MiB`)
  const sent = side.links.map(({ host, sentBytes, receivedBytes }) => {
    return `${host} ${(sentBytes / 1e6).toFixed(1)}/${(receivedBytes / 1e6).toFixed(1)}`
  })
  console.log(`      MB sent/received: ${sent.join('  ')}`)
}
