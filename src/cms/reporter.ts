import type { AgentMessageOf } from '../core/wire/control.ts'

type SourceReport = AgentMessageOf<'sourceReport'>

export interface ReporterParts {
  readonly report: () => SourceReport
  readonly send: (report: SourceReport) => void
  /** Reports in which only counts differ are sent at most this often. */
  readonly reportMs: number
  readonly nowMs: () => number
}

/** Tells the master what a source says of itself, when it changes. */
export class Reporter {
  readonly #parts: ReporterParts
  #sent: SourceReport | null = null
  #sentAtMs = 0

  constructor(parts: ReporterParts) {
    this.#parts = parts
  }

  /** Sends the report as it is now, whatever was sent before. */
  send(): void {
    this.#sent = this.#parts.report()
    this.#sentAtMs = this.#parts.nowMs()
    this.#parts.send(this.#sent)
  }

  /** Sends it where it changed. */
  update(): void {
    const report = this.#parts.report()
    if (this.#sent !== null && isAlike(report, this.#sent)) {
      const isDue = this.#parts.nowMs() - this.#sentAtMs >= this.#parts.reportMs
      if (!isDue || !hasOtherCounts(report, this.#sent)) return
    }
    this.send()
  }

  /** When an `update` may have counts to send; null where there are none. */
  nextDueMs(): number | null {
    if (this.#sent === null || !hasOtherCounts(this.#parts.report(), this.#sent)) return null
    return this.#sentAtMs + this.#parts.reportMs
  }
}

/** The head travels with the changes. */
function isAlike(left: SourceReport, right: SourceReport): boolean {
  return (
    left.epoch === right.epoch &&
    left.viewRevision === right.viewRevision &&
    left.completeAt === right.completeAt &&
    JSON.stringify(left.error) === JSON.stringify(right.error) &&
    left.hold?.fingerprint === right.hold?.fingerprint &&
    JSON.stringify(left.gaps) === JSON.stringify(right.gaps)
  )
}

function hasOtherCounts(left: SourceReport, right: SourceReport): boolean {
  return left.fileCount !== right.fileCount || left.totalBytes !== right.totalBytes
}
