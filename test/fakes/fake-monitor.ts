import type { HostMonitor, OnFigures } from '../../src/cas/agent/seams.ts'

/** Stands for monitoring where only what the agent does with it matters: it remembers what it was told. */
export class FakeMonitor implements HostMonitor {
  onFigures: OnFigures | null = null
  readonly configured: (readonly string[] | null)[] = []
  isStopped = false

  configure(roots: readonly string[] | null): void {
    this.configured.push(roots)
  }

  stop(): Promise<void> {
    this.isStopped = true
    return Promise.resolve()
  }
}
