import { AppError } from '../core/base/errors.ts'
import type { AgentMessage, AgentMessageOf } from '../core/wire/control.ts'
import {
  type ReachReport,
  type SyncServerCommand,
  type SyncServerReport,
  syncServerReport,
} from '../core/wire/sync-server.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { ChildProcess, SpawnChild } from './child-process.ts'
import { backoffMs } from './control/backoff.ts'
import { isErrorCode } from './control/greeting.ts'
import { PassedOn } from './passed-on.ts'

export interface SupervisorOptions {
  readonly spawn: SpawnChild
  readonly onReport: (
    message: AgentMessageOf<'targetReport' | 'jobReport' | 'holdResolved'>,
  ) => void
  /** Gets the ports on this host at which servers are reached that only dial out, whenever they change. */
  readonly onWays?: (ways: ReadonlyMap<string, number>) => void
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
}

export type SyncServerConfiguration = Extract<SyncServerCommand, { type: 'configure' }>

/** A Sync Server that ran this long was healthy: when it dies, the back-off begins anew. */
const HEALTHY_MS = 60_000
const STOP_MS = 3000

/**
 * Keeps one Sync Server process running: starts it, hands it every configuration, starts it again with back-off when it
 * dies, ends it. The process ends by itself when this one is gone, because its standard input ends then.
 */
export class SyncServerSupervisor {
  readonly #options: SupervisorOptions
  readonly #stopping = new AbortController()
  readonly #listening = Promise.withResolvers<number>()
  readonly #passedOn = new PassedOn()
  #configuration: SyncServerConfiguration
  #child: ChildProcess | null = null
  #port: number | null = null
  #restarts = 0
  #registeredCount = 0
  /** Until the first start is decided, a failure ends it; afterwards it is tried again. */
  #isStarting = true
  readonly #ended: Promise<void>

  constructor(options: SupervisorOptions, configuration: SyncServerConfiguration) {
    this.#options = options
    this.#configuration = configuration
    // Whoever does not wait for the first port is not to be surprised by its failure.
    this.#listening.promise.catch(() => undefined)
    this.#ended = this.#run()
  }

  /** The port of the first start; rejects with the Sync Server's own failure, for instance PORT_IN_USE. */
  get listening(): Promise<number> {
    return this.#listening.promise
  }

  /** Waits for the first port, but not for ever: a slow start is no failed one. Rejects as `listening` does. */
  async firstPort(limitMs: number): Promise<void> {
    const waiting = new AbortController()
    try {
      await Promise.race([this.listening, this.#options.clock.sleep(limitMs, waiting.signal)])
    } finally {
      waiting.abort()
      this.#isStarting = false
    }
  }

  /** For people: is it there, since when not. */
  get status(): {
    readonly pid: number | null
    readonly port: number | null
    readonly restarts: number
    /** With how many peers this host is registered, where it only dials out; else null. */
    readonly registeredCount: number | null
  } {
    const registeredCount = this.#configuration.dialsOut ? this.#registeredCount : null
    const pid = this.#child?.pid ?? null
    return { pid, port: this.#port, restarts: this.#restarts, registeredCount }
  }

  configure(configuration: SyncServerConfiguration): void {
    this.#configuration = this.#port === null ? configuration : withPort(configuration, this.#port)
    this.#child?.writeLine(JSON.stringify(this.#configuration))
  }

  /** Tells it of new options of hops; what it passes on is lost with it, so nothing is kept for a next start. */
  changeHops(message: Extract<SyncServerCommand, { type: 'hops' }>): void {
    this.#child?.writeLine(JSON.stringify(message))
  }

  /** Has it pass nothing of a job on any more. */
  cancelJob(message: Extract<SyncServerCommand, { type: 'cancelJob' }>): void {
    this.#child?.writeLine(JSON.stringify(message))
  }

  /** Hands it a person's word; it answers with a report. PEER_UNREACHABLE while it is being started again. */
  resolveHold(message: Extract<SyncServerCommand, { type: 'resolveHold' }>): void {
    if (this.#child === null)
      throw new AppError('PEER_UNREACHABLE', 'cannot answer: the Sync Server is being started')
    this.#child.writeLine(JSON.stringify(message))
  }

  /** Asks it to end, and ends it after 3 s. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const child = this.#child
    child?.writeLine(JSON.stringify({ type: 'stop' } satisfies SyncServerCommand))
    child?.endInput()
    const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_MS)
    await this.#ended
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    const { clock, log, random, spawn } = this.#options
    const signal = this.#stopping.signal
    for (let attempt = 0; !signal.aborted; attempt++) {
      const startedMs = clock.nowMs()
      const child = spawn((line) => this.#handle(line))
      this.#child = child
      child.writeLine(JSON.stringify(this.#configuration))
      const end = await child.exited
      this.#child = null
      this.#reaches([], 0)
      if (signal.aborted) return
      for (const report of this.#passedOn.lost()) this.#options.onReport(report)
      if (clock.nowMs() - startedMs > HEALTHY_MS) attempt = 0
      this.#restarts++
      log.error('the Sync Server ended and is started again', { end, restarts: this.#restarts })
      await clock.sleep(backoffMs(attempt, random), signal)
    }
  }

  #handle(line: string): void {
    const report = parseReport(line)
    switch (report.type) {
      case 'listening':
        this.#port = report.port
        // The next starts take the same port: it is what the peers were told.
        this.#configuration = withPort(this.#configuration, report.port)
        return this.#listening.resolve(report.port)
      case 'reach':
        return this.#reaches(report.ways, report.registeredCount)
      case 'report':
        return this.#pass(report.message)
      case 'failed':
        return this.#failed(report.code, report.message)
    }
  }

  #reaches(ways: ReachReport['ways'], registeredCount: number): void {
    this.#registeredCount = registeredCount
    this.#options.onWays?.(new Map(ways.map(({ serverId, port }) => [serverId, port])))
  }

  /** The Sync Server speaks of its targets and of those that it passes streams on to, and of nothing else. */
  #pass(message: AgentMessage): void {
    const { type } = message
    if (type === 'jobReport') this.#passedOn.take(message)
    if (type === 'targetReport' || type === 'jobReport' || type === 'holdResolved')
      this.#options.onReport(message)
  }

  #failed(code: string, message: string): void {
    if (this.#isStarting) this.#stopping.abort()
    else this.#options.log.error('the Sync Server failed', { code, reason: message })
    this.#listening.reject(new AppError(isErrorCode(code) ? code : 'INTERNAL', message))
  }
}

/** The child is our own program; a line that is none of ours is a bug, and ends that child. */
function parseReport(line: string): SyncServerReport {
  return syncServerReport.parse(JSON.parse(line))
}

function withPort(configuration: SyncServerConfiguration, port: number): SyncServerConfiguration {
  return { ...configuration, listen: { ...configuration.listen, port } }
}
