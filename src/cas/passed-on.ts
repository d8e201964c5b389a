import type { AgentMessageOf } from '../core/wire/control.ts'

type JobReport = AgentMessageOf<'jobReport'>

const MESSAGE = 'the Sync Server that passed it on has ended'

/** What a Sync Server passes on to others, as far as it has said. */
export class PassedOn {
  readonly #running = new Map<string, JobReport>()

  take(report: JobReport): void {
    const key = `${report.jobId} ${report.bindingId}`
    if (report.state === 'running') this.#running.set(key, report)
    else this.#running.delete(key)
  }

  /** Gives what must be said of each where the process has ended: where it is done itself, nobody else would tell. */
  lost(): JobReport[] {
    const reports = [...this.#running.values()]
    this.#running.clear()
    const error = { code: 'RELAY_LOST', message: MESSAGE }
    return reports.map((report) => ({ ...report, state: 'failed', error }))
  }
}
