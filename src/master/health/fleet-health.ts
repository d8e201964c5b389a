import { toAppError } from '../../core/base/errors.ts'
import {
  GOOD,
  type Health,
  type LoadLevel,
  type Verdict,
  judged,
} from '../../core/health/verdict.ts'
import type { AgentMessageOf } from '../../core/wire/control.ts'
import type { MasterContext } from '../context.ts'
import { serverMetrics } from '../db/schema.ts'

type Figures = AgentMessageOf<'figures'>
type HealthContext = Pick<MasterContext, 'database' | 'clock' | 'log'>
type MetricsRow = typeof serverMetrics.$inferInsert

/** Figures are gathered for so long before they are written, those of all servers together. */
const GATHER_MS = 2000
/** Figures that wait to be written; what is more is let go, because figures are not worth holding up all else. */
const WAITING_MAX = 10_000
/** Rows of one statement. */
const ROWS_MAX = 500

/** How a server fares, and since when that is known. */
export interface ServerHealth {
  readonly state: 'unknown' | Health
  readonly atMs: number | null
  readonly level: LoadLevel
  /** The most that it was seen to send, which fades; null where nothing is known. */
  readonly txBytesPerS: number | null
}

const UNKNOWN: ServerHealth = { state: 'unknown', atMs: null, level: 0, txBytesPerS: null }

/** What is left of the most that a server was seen to send with every reading: half of it in an hour. */
const FADING = 0.999
/** Readings that lie closer together say nothing of a rate. */
const APART_MS = 1000

interface Last {
  readonly verdict: Verdict
  readonly atMs: number
  readonly txBytesPerS: number | null
}

/** What agents say of their hosts: the last word of each, and a place where all are kept for a while. */
export class FleetHealth {
  readonly #context: HealthContext
  readonly #last = new Map<string, Last>()
  #waiting: MetricsRow[] = []
  #writing: Promise<void> | null = null

  constructor(context: HealthContext) {
    this.#context = context
  }

  of(serverId: string): ServerHealth {
    const last = this.#last.get(serverId)
    if (last === undefined) return UNKNOWN
    const { verdict, atMs, txBytesPerS } = last
    return { state: verdict.health, atMs, level: verdict.level, txBytesPerS }
  }

  /** Takes what an agent measured. The time is ours, since hosts' clocks differ. */
  take(serverId: string, { type: _type, at: _at, ...figures }: Figures): void {
    const last = this.#last.get(serverId)
    // Those that come together are of times of their own.
    const atMs = Math.max(this.#context.clock.nowMs(), (last?.atMs ?? 0) + 1)
    const verdict = judged(last?.verdict ?? GOOD, figures)
    const txBytesPerS = mostSent(last, { atMs, txBytes: figures.txBytes })
    this.#last.set(serverId, { verdict, atMs, txBytesPerS })
    if (this.#waiting.length >= WAITING_MAX) return
    this.#waiting.push({ serverId, atMs, ...figures })
    this.#writing ??= this.#gather()
  }

  /** A server that is not connected says nothing of how it is now. */
  forget(serverId: string): void {
    this.#last.delete(serverId)
  }

  /** Resolves when all that was taken is written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #gather(): Promise<void> {
    await Bun.sleep(GATHER_MS)
    this.#writing = null
    const rows = this.#waiting
    this.#waiting = []
    try {
      await this.#context.database.write(async (writer) => {
        for (let start = 0; start < rows.length; start += ROWS_MAX)
          await writer
            .insert(serverMetrics)
            .values(rows.slice(start, start + ROWS_MAX))
            .onConflictDoNothing()
      })
    } catch (thrown) {
      this.#context.log.error('figures of servers are not kept', { error: toAppError(thrown) })
    }
  }
}

function mostSent(
  last: Last | undefined,
  { atMs, txBytes }: { readonly atMs: number; readonly txBytes: number },
): number | null {
  if (last === undefined || atMs - last.atMs < APART_MS) return last?.txBytesPerS ?? null
  const rate = (txBytes / (atMs - last.atMs)) * 1000
  return Math.max(rate, (last.txBytesPerS ?? 0) * FADING)
}
