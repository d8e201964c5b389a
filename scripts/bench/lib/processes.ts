import { readFileSync, readdirSync, writeFileSync } from 'node:fs'

const TICKS_PER_S = 100

/** What a process has used so far; `cpuS` counts children that have ended as well. */
interface Used {
  readonly cpuS: number
  readonly peakBytes: number
}

/** What a group of processes took while something was measured. */
export interface Taken {
  readonly cpuS: number
  /** The largest process of the group at its largest. */
  readonly peakBytes: number
}

/** All processes below these, and they themselves. */
export function withDescendants(pids: readonly number[]): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? statOf(Number(name))?.parent : undefined
    if (parent === undefined) continue
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [...pids]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** Watches groups of processes from now on. */
export class ProcessWatch {
  readonly #groups: ReadonlyMap<string, readonly number[]>
  readonly #before = new Map<number, Used>()
  /** Children that came and went, as they were last seen. */
  readonly #seen = new Map<string, Map<number, Used>>()
  readonly #timer: ReturnType<typeof setInterval> | null

  /** `samples` follows short-lived children, of which the last 20 ms are missed; what stays needs none. */
  constructor(groups: ReadonlyMap<string, readonly number[]>, samples = false) {
    this.#groups = groups
    for (const pid of [...groups.values()].flat()) {
      resetPeak(pid)
      const used = usedBy(pid)
      if (used !== null) this.#before.set(pid, used)
    }
    this.#timer = samples ? setInterval(() => this.#lookAtChildren(), 20) : null
  }

  /** Ends the watch; gives what each group took. */
  finish(): Map<string, Taken> {
    if (this.#timer !== null) clearInterval(this.#timer)
    const taken = new Map<string, Taken>()
    for (const [name, pids] of this.#groups) {
      const seen = [...(this.#seen.get(name)?.values() ?? [])]
      let cpuS = seen.reduce((sum, used) => sum + used.cpuS, 0)
      let peakBytes = Math.max(0, ...seen.map((used) => used.peakBytes))
      for (const pid of pids) {
        const used = usedBy(pid)
        if (used === null) continue
        cpuS += used.cpuS - (this.#before.get(pid)?.cpuS ?? 0)
        peakBytes = Math.max(peakBytes, used.peakBytes)
      }
      taken.set(name, { cpuS, peakBytes })
    }
    return taken
  }

  #lookAtChildren(): void {
    for (const [name, pids] of this.#groups) {
      const seen = this.#seen.get(name) ?? new Map<number, Used>()
      this.#seen.set(name, seen)
      for (const pid of withDescendants(pids)) {
        const used = pids.includes(pid) ? null : usedBy(pid)
        if (used !== null) seen.set(pid, used)
      }
    }
  }
}

/** What a process has used since it started; null where there is none. */
export function usedBy(pid: number): Used | null {
  const stat = statOf(pid)
  const status = readOrNull(`/proc/${pid}/status`)
  if (stat === null || status === null) return null
  const kib = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  return { cpuS: stat.cpuTicks / TICKS_PER_S, peakBytes: kib * 1024 }
}

function statOf(pid: number): { parent: number; cpuTicks: number } | null {
  const text = readOrNull(`/proc/${pid}/stat`)
  if (text === null) return null
  // The name, in brackets, may hold anything.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const cpuTicks = fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0)
  return { parent: fields[1] ?? 0, cpuTicks }
}

function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // not ours to reset: its peak then counts from its start
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // gone meanwhile
  }
}
