import type { Detection, DetectionEvents } from '../../src/cas/agent/seams.ts'
import type { WatchedSource } from '../../src/core/apply/outbound.ts'
import type { SourceConfig } from '../../src/core/wire/control.ts'

/** Stands for detection where only what the agent does with it matters: it remembers what it was told. */
export class FakeDetection implements Detection {
  events: DetectionEvents | null = null
  readonly configured: (readonly SourceConfig[])[] = []
  readonly recorded: unknown[] = []
  isStopped = false
  /** Thrown by the next `configure`. */
  failure: Error | null = null

  configure(sources: readonly SourceConfig[]): Promise<void> {
    const { failure } = this
    this.failure = null
    if (failure !== null) return Promise.reject(failure)
    this.configured.push(sources)
    return Promise.resolve()
  }

  changesRecorded(message: unknown): void {
    this.recorded.push(message)
  }

  flush(policyId: string): Promise<{ sourceId: string; epoch: string; headSeq: number }[]> {
    if (policyId === 'faulty') return Promise.reject(new Error('the barrier broke'))
    return Promise.resolve([{ sourceId: policyId, epoch: 'e', headSeq: 1 }])
  }

  outbound(): WatchedSource | null {
    return null
  }

  renewEpoch(): Promise<void> {
    return Promise.reject(new Error('not part of these tests'))
  }

  async resolveHold() {
    return { outcome: 'unknown', position: null } as const
  }

  stop(): Promise<void> {
    this.isStopped = true
    return Promise.resolve()
  }
}
