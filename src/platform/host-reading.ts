import { readFileSync } from 'node:fs'
import { cpus, freemem, loadavg, totalmem } from 'node:os'

import type { HostReading } from '../core/health/host-figures.ts'
import { freeSpaceOf } from './free-space.ts'

/** As the kernel writes the state ESTABLISHED. */
const ESTABLISHED = '01'
/** The loopback is no network. */
const LOOPBACK = 'lo'

/** Reads how the host fares. What a system other than Linux does not tell is null or 0. */
export function readHost(roots: readonly string[], atMs: number): HostReading {
  const isLinux = process.platform === 'linux'
  return {
    atMs,
    ...readCpu(),
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: (isLinux ? availableBytes() : null) ?? freemem(),
    sessions: isLinux ? establishedConnections() : null,
    load1: loadavg()[0] ?? 0,
    diskFreeBytes: leastFreeBytes(roots),
    ...(isLinux ? networkBytes() : { txBytes: 0, rxBytes: 0 }),
  }
}

function readCpu() {
  let cpuBusy = 0
  let cpuTotal = 0
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq
    cpuBusy += busy
    cpuTotal += busy + times.idle
  }
  return { cpuBusy, cpuTotal }
}

/** `free` leaves out what the kernel would give up for programs. */
function availableBytes(): number | null {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readOr('/proc/meminfo'))?.[1]
  return kib === undefined ? null : Number(kib) * 1024
}

function establishedConnections(): number {
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readOr(file).split('\n').slice(1))
    .filter((line) => line.trim().split(/\s+/)[3] === ESTABLISHED).length
}

function networkBytes() {
  let [rxBytes, txBytes] = [0, 0]
  for (const line of readOr('/proc/net/dev').split('\n').slice(2)) {
    const [name = '', figures = ''] = line.split(':')
    const columns = figures.trim().split(/\s+/).map(Number)
    if (name.trim() === LOOPBACK || columns.length < 9) continue
    rxBytes += columns[0] ?? 0
    txBytes += columns[8] ?? 0
  }
  return { rxBytes, txBytes }
}

/** A root that is not there says nothing. */
function leastFreeBytes(roots: readonly string[]): number | null {
  const free = roots.flatMap((root) => {
    try {
      return [freeSpaceOf(root).freeBytes]
    } catch {
      return []
    }
  })
  return free.length === 0 ? null : Math.min(...free)
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A kernel without IPv6, for instance, has no such file.
    return ''
  }
}
