/** What a host tells at one moment. Counters grow from its start. */
export interface HostReading {
  readonly atMs: number
  /** Of all processors together, in any unit of time. */
  readonly cpuBusy: number
  readonly cpuTotal: number
  readonly memoryTotalBytes: number
  /** What programs may still have. */
  readonly memoryFreeBytes: number
  /** Established TCP connections; null where the system does not tell. */
  readonly sessions: number | null
  /** Processes that run or want to, over the last minute. */
  readonly load1: number
  /** The least that is free below any root of a policy; null where there is none. */
  readonly diskFreeBytes: number | null
  readonly txBytes: number
  readonly rxBytes: number
}

/** What became of a host between two readings. Network bytes are those in between. */
export interface HostFigures {
  readonly cpuPercent: number
  readonly memoryPercent: number
  readonly sessions: number | null
  readonly load1: number
  readonly diskFreeBytes: number | null
  readonly txBytes: number
  readonly rxBytes: number
}

/** Gives the figures between two readings. A counter that went back, with the host or a network card, counts from 0. */
export function figuresBetween(before: HostReading, now: HostReading): HostFigures {
  const total = now.cpuTotal - before.cpuTotal
  const busy = now.cpuBusy - before.cpuBusy
  const { memoryTotalBytes, memoryFreeBytes, sessions, load1, diskFreeBytes } = now
  return {
    cpuPercent: total > 0 ? percent(busy / total) : 0,
    memoryPercent: memoryTotalBytes > 0 ? percent(1 - memoryFreeBytes / memoryTotalBytes) : 0,
    sessions,
    load1,
    diskFreeBytes,
    txBytes: grown(before.txBytes, now.txBytes),
    rxBytes: grown(before.rxBytes, now.rxBytes),
  }
}

function grown(before: number, now: number): number {
  return now >= before ? now - before : now
}

/** With one decimal. */
function percent(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10
}
